#include "base/json.h"

namespace gust {

namespace {

// The library recurses while it destroys nested values, so depth is judged on the text before it builds any.
bool deeper_than(std::string_view text, int limit) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') {
      if (++depth > limit) return true;
    }
    if (c == ']' || c == '}') --depth;
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what) {
  if (deeper_than(text, kMaxJsonDepth)) {
    return fail(ErrorCode::kInvalid,
                std::string(what) + " nests deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::kInvalid, std::string(what) + " is not JSON: wrong at byte " + std::to_string(error.byte));
  } catch (const Json::out_of_range&) {
    return fail(ErrorCode::kInvalid, std::string(what) + " has a number beyond the range of a double");
  }
}

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace gust
