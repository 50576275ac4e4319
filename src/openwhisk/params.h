// The workers' parameters in an invocation's body, as JSON texts. The body is checked and cut, not turned into values:
// a flare of many workers would otherwise spend most of the controller's time on parameters that only workers read,
// and numbers would not come out as they were written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace gust::openwhisk {

/// One worker's parameters: the body's object, or {} for an empty body or null, over the action's own parameters (an
/// array of {"key", "value"}). kInvalid for any other body.
Result<std::string> single_params(std::string_view body, const Json& action_parameters);

/// The elements of "value" in {"value": [params…]}, one a worker; those that are objects go over the action's own
/// parameters. Other members of the body are ignored. kInvalid when there is no such array, or an empty one.
Result<std::vector<std::string>> burst_params(std::string_view body, const Json& action_parameters);

}  // namespace gust::openwhisk
