// The environment that a pack's program sees.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "protocol/control.pb.h"

namespace gust::invoker {

/// NAME=value. Nothing of the invoker's own environment is in it, because that may hold secrets. `api_host` is left out
/// when empty.
std::vector<std::string> pack_environment(const protocol::StartPacks& flare, const protocol::PackStart& pack,
                                          InvokerId invoker, const std::string& api_host);

}  // namespace gust::invoker
