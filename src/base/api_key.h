// API keys as people give them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace gust {

/// The "user:password" of HTTP Basic for a key as it is given in a flag or a file. OpenWhisk's keys have that form and
/// stay as they are; a key without a colon becomes "gust:KEY".
std::string normalise_api_key(std::string_view key);

/// A key as it was given, if it can be one; empty is none. kInvalid, without repeating it, for one whose user or secret
/// is empty, as variables that are not set leave it, for control characters, and for what is not UTF-8.
Result<std::string> parse_api_key(std::string_view text);

}  // namespace gust
