// Real servers for tests of transports: base/testing/server.h.
#pragma once

#include "base/testing/server.h"

namespace gust::transport::testing {

using gust::testing::free_port;
using gust::testing::replies;
using gust::testing::Server;
using gust::testing::ServerProgram;

}  // namespace gust::transport::testing
