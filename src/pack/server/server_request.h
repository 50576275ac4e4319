// What an action's server is asked: the bodies of /init and /run.
#pragma once

#include <string>
#include <string_view>

#include "protocol/pack_frames.h"

namespace gust::pack {

/// {"value": {name, main, binary, code, env}}: `code` is base64 when start.is_binary, else source, null where the
/// action has none; `env` holds the variables __OW_… of this process.
std::string init_request(const protocol::StartMessage& start, std::string_view code);

/// {"value": params, namespace, action_name, …, api_host} of the `index`th worker of the pack; of a burst also
/// burst_info, {"pack": [first, last], "size", "worker"}.
std::string run_request(const protocol::StartMessage& start, std::uint32_t index);

}  // namespace gust::pack
