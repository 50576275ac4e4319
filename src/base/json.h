// JSON through nlohmann's library, with errors as values.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust {

/// Keeps the order in which keys were written: records read as people expect them.
using Json = nlohmann::ordered_json;

/// kInvalid with the position of the first wrong byte; `what` names the input in the message. Nesting is limited to
/// kMaxJsonDepth, so that hostile input cannot exhaust the stack.
Result<Json> parse_json(std::string_view text, std::string_view what);

/// The same verdict on `text`, without building the value.
Result<void> check_json(std::string_view text, std::string_view what);

inline constexpr int kMaxJsonDepth = 128;

/// Compact text; bytes that are not UTF-8 are replaced, never thrown about.
std::string dump_json(const Json& value);

}  // namespace gust
