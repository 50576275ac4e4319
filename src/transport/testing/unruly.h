// A network that delivers frames late and again, as far as a transport is allowed to.
#pragma once

#include "transport/testing/flare.h"

namespace gust::transport::testing {

/// Between packs of one process. Every frame arrives at least once; which are late, and which come again, is chosen
/// from a fixed seed for each pack.
std::unique_ptr<Network> unruly_network();

}  // namespace gust::transport::testing
