#include "pack/json_array.h"

#include <string>

namespace gust::pack {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::unexpected<Error> no_array() { return fail(ErrorCode::kInvalid, "is not a JSON array"); }

/// Where the string that begins at `at` ends: its closing quote. npos when it does not.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  do {
    at = text.find_first_of("\"\\", at + 1);
    if (at == text.npos || text[at] == '"') return at;
    ++at;  // what is escaped
  } while (at < text.size());
  return text.npos;
}

}  // namespace

Result<std::vector<std::string_view>> split_json_array(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return no_array();
  std::vector<std::string_view> entries;
  std::string open;  // brackets inside the array
  std::size_t begin = 1;
  const auto take = [&](std::size_t end) {
    entries.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
    return !entries.back().empty();
  };
  const std::size_t end = text.size() - 1;
  for (std::size_t at = 1; at < end; ++at) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      if (at >= end) return no_array();
    } else if (c == '[' || c == '{') {
      open += c == '[' ? ']' : '}';
    } else if (c == ']' || c == '}') {
      if (open.empty() || open.back() != c) return no_array();
      open.pop_back();
    } else if (c == ',' && open.empty() && !take(at)) {
      return no_array();
    }
  }
  if (!open.empty()) return no_array();
  if (entries.empty() && trimmed(text.substr(1, end - 1)).empty()) return entries;
  if (!take(end)) return no_array();
  return entries;
}

}  // namespace gust::pack
