#include "base/api_key.h"

#include <simdjson.h>

#include <algorithm>

namespace gust {

std::string normalise_api_key(std::string_view key) {
  std::string normal;
  if (key.find(':') == std::string_view::npos) normal = "gust:";
  normal += key;
  return normal;
}

Result<std::string> parse_api_key(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && (colon == 0 || colon + 1 == text.size())) {
    return fail(ErrorCode::kInvalid, "a key has a user and a secret, user:secret, and one of them is empty");
  }
  if (!simdjson::validate_utf8(text)) return fail(ErrorCode::kInvalid, "a key is text in UTF-8");
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  if (std::ranges::any_of(text, is_control)) {
    return fail(ErrorCode::kInvalid, "a key has no line breaks or other control characters");
  }
  return std::string(text);
}

}  // namespace gust
