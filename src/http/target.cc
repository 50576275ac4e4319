#include "http/target.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace gust::http {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// As HTML forms and every HTTP library encode a query: '+' is a space.
Result<std::string> decode_query_part(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decode(spaced);
}

Result<Query> parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::string name = GUST_TRY(decode_query_part(pair.substr(0, equals)));
    std::string value;
    if (equals != std::string_view::npos) value = GUST_TRY(decode_query_part(pair.substr(equals + 1)));
    query.insert_or_assign(std::move(name), std::move(value));
  }
  return query;
}

/// What follows the host in absolute form; the text itself in origin form.
std::string_view strip_authority(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (text.starts_with('/') || scheme_end == std::string_view::npos) return text;
  const std::string_view scheme = text.substr(0, scheme_end);
  const auto is_scheme = [](char c) { return is_unreserved(c) && c != '_' && c != '~'; };
  if (scheme.empty() || !std::ranges::all_of(scheme, is_scheme)) return text;
  text.remove_prefix(scheme_end + 3);
  const std::size_t path = text.find_first_of("/?#");
  return path == std::string_view::npos ? std::string_view() : text.substr(path);
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
    if (!high || !low) {
      return fail(ErrorCode::kInvalid, fmt::format("'%' at position {} of '{}' is not followed by two hex digits; "
                                                   "write a percent sign as %25",
                                                   i, text));
    }
    if (*high == 0 && *low == 0) {
      return fail(ErrorCode::kInvalid, fmt::format("'{}' holds a NUL byte (%00); remove it", text));
    }
    out.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

Result<Target> parse_target(std::string_view text) {
  if (text == "*") return Target{.path = "*", .query = {}};
  const bool absolute = !text.starts_with('/');
  std::string_view rest = strip_authority(text);
  if (absolute && rest.data() == text.data() && !rest.empty()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("request target '{}' is neither a path that starts with '/' nor a whole URL", text));
  }
  if (text.empty()) return fail(ErrorCode::kInvalid, "the request target is empty; write at least '/'");
  rest = rest.substr(0, rest.find('#'));
  const std::size_t question = rest.find('?');
  Target target{.path = std::string(rest.substr(0, question)), .query = {}};
  if (target.path.empty()) target.path = "/";
  if (question != std::string_view::npos) target.query = GUST_TRY(parse_query(rest.substr(question + 1)));
  return target;
}

std::string make_target(std::string_view path, const Query& query) {
  std::string out(path);
  char separator = '?';
  for (const auto& [name, value] : query) {
    out += separator + percent_encode(name) + "=" + percent_encode(value);
    separator = '&';
  }
  return out;
}

}  // namespace gust::http
