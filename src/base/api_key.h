// API keys as people give them.
#pragma once

#include <string>
#include <string_view>

namespace gust {

/// The "user:password" of HTTP Basic for a key as it is given in a flag or a file. OpenWhisk's keys have that form and
/// stay as they are; a key without a colon becomes "gust:KEY".
std::string normalise_api_key(std::string_view key);

}  // namespace gust
