// The line that an executable of kind `native` gets.
#pragma once

#include <string>

#include "protocol/pack_frames.h"

namespace gust::pack {

/// One line of JSON, its end included: `value` (an invocation's parameters; of a burst an array, one entry for each of
/// the pack's workers), namespace, action_name, action_version, activation_id, transaction_id, deadline, invoker_id; of
/// a burst also burst_info ({"pack": [first, last], "size"}) and middleware. The version is what the environment says.
std::string program_request(const protocol::StartMessage& start);

}  // namespace gust::pack
