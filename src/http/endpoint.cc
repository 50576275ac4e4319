#include <strings.h>

#include <charconv>
#include <fmt/format.h>

#include "http/client.h"

namespace gust::http {
namespace {

Result<std::uint16_t> parse_port(std::string_view text, std::string_view url) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
    return fail(ErrorCode::kInvalid, fmt::format("port '{}' in '{}' is not a number from 1 to 65535", text, url));
  }
  return static_cast<std::uint16_t>(port);
}

bool strip_prefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size() || strncasecmp(text.data(), prefix.data(), prefix.size()) != 0) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view url) {
  Endpoint endpoint;
  std::string_view rest = url;
  if (strip_prefix(rest, "http://")) {
    endpoint.tls = false;
  } else if (!strip_prefix(rest, "https://")) {
    return fail(ErrorCode::kInvalid,
                fmt::format("endpoint '{}' is not a URL; write for example https://127.0.0.1:3233", url));
  }
  endpoint.port = endpoint.tls ? 443 : 80;
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '?' || c == '#') {
      return fail(ErrorCode::kInvalid, fmt::format("endpoint '{}' may hold only scheme, host, port and path; remove "
                                                   "spaces, '?' and '#'",
                                                   url));
    }
  }
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) endpoint.base_path = rest.substr(slash);
  while (endpoint.base_path.ends_with('/')) endpoint.base_path.pop_back();
  if (authority.contains('@')) {
    return fail(ErrorCode::kInvalid, "the endpoint's URL holds a user name or key; give the API key on its own");
  }

  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) {
      return fail(ErrorCode::kInvalid, fmt::format("the address in '{}' lacks its ']'", url));
    }
    endpoint.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && !authority.starts_with(':')) {
      return fail(ErrorCode::kInvalid, fmt::format("'{}' follows the address in '{}'; write :PORT", authority, url));
    }
  } else {
    endpoint.host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(endpoint.host.size());
    if (authority.find(':', 1) != std::string_view::npos) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("'{}' has more than one ':'; write an IPv6 address in brackets: https://[::1]:3233", url));
    }
  }
  if (endpoint.host.empty()) return fail(ErrorCode::kInvalid, fmt::format("endpoint '{}' names no host", url));
  if (!authority.empty()) endpoint.port = GUST_TRY(parse_port(authority.substr(1), url));
  return endpoint;
}

}  // namespace gust::http
