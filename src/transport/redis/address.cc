#include "transport/redis/address.h"

#include <charconv>
#include <optional>

namespace gust::transport::redis {

namespace {

constexpr char kForm[] = "redis://[[user]:password@]host[:port][/database]";

std::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorCode::kInvalid, "the setting redis " + what + "; write " + kForm);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> decode_percent(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned char byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

}  // namespace

std::string Address::text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> parse_address(std::string_view uri) {
  constexpr std::string_view kScheme = "redis://";
  if (uri.starts_with("rediss://")) return wrong("asks for TLS (rediss), which this backend does not speak");
  if (!uri.starts_with(kScheme)) return wrong("does not begin with redis://");
  std::string_view rest = uri.substr(kScheme.size());
  Address address;
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view secrets = rest.substr(0, at);
    rest = rest.substr(at + 1);
    const std::size_t colon = secrets.find(':');
    if (colon == std::string_view::npos) return wrong("has a user without a password");
    auto user = decode_percent(secrets.substr(0, colon));
    auto password = decode_percent(secrets.substr(colon + 1));
    if (!user || !password) return wrong("has a % that two hex digits do not follow in its user or password");
    address.user = std::move(*user);
    address.password = std::move(*password);
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view database = rest.substr(slash + 1);
    const auto value = database.empty() ? 0 : number<std::uint32_t>(database);
    if (!value) return wrong("names the database '" + std::string(database) + "', which is no number");
    address.database = *value;
    rest = rest.substr(0, slash);
  }
  std::size_t colon = rest.rfind(':');
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return wrong("has a [ without its ]");
    address.host = rest.substr(1, close - 1);
    colon = close + 1 < rest.size() ? close + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && rest[colon] != ':') return wrong("has something between ] and the port");
  } else {
    address.host = rest.substr(0, colon);
  }
  if (colon != std::string_view::npos) {
    const std::string_view port = rest.substr(colon + 1);
    const auto value = number<std::uint16_t>(port);
    if (!value || *value == 0) return wrong("has the port '" + std::string(port) + "', which is none");
    address.port = *value;
  }
  if (address.host.empty()) return wrong("names no host");
  return address;
}

}  // namespace gust::transport::redis
