// The payload of Lithops, cut into one for each worker. Its fork for bursts asks with burst=true&lithops=true, and
// sends one ordinary payload that holds all calls of a job where Lithops itself would send many.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace gust::openwhisk {

/// Of all payloads together: what calls have in common is repeated for each, so a body within its limit could ask for
/// any amount. 960 calls of a usual job make some 5 MB.
inline constexpr Bytes kMaxLithopsPayloads = Bytes::mb(1024);

/// One payload for each entry of "call_ids", in that order. Each has its one call id, with that call's entry of
/// "data_byte_ranges" or "data_byte_strs", whichever is there; everything else is as in `body`, over the action's own
/// parameters (an array of {"key", "value"}). kInvalid for what is no such payload, kTooLarge beyond
/// kMaxLithopsPayloads.
Result<std::vector<std::string>> lithops_params(std::string_view body, const Json& action_parameters);

}  // namespace gust::openwhisk
