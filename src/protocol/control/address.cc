#include "protocol/control/address.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <string_view>
#include <sys/un.h>

namespace gust::protocol {
namespace asio = boost::asio;

namespace {

constexpr std::string_view kUnix = "unix:";

Result<Endpoint> unix_endpoint(const std::string& path) {
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.size() > kLongest) {
    return fail(ErrorCode::kInvalid, fmt::format("the path of a Unix socket has 1 to {} characters, '{}' has {}",
                                                 kLongest, path, path.size()));
  }
  return asio::local::stream_protocol::endpoint(path);
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

std::optional<std::string> unix_path(const std::string& address) {
  if (!address.starts_with(kUnix)) return std::nullopt;
  return address.substr(kUnix.size());
}

Result<std::variant<Endpoint, HostAndPort>> read_address(const std::string& address) {
  if (const auto path = unix_path(address)) return GUST_TRY(unix_endpoint(*path));
  const std::size_t colon = address.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : read_port(std::string_view(address).substr(colon + 1));
  std::string host = address.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (!port || host.empty() || (!in_brackets && host.contains(':'))) {
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is no address; write host:port, [IPv6 address]:port or unix:/path", address));
  }
  boost::system::error_code error;
  const auto figures = asio::ip::make_address(host, error);
  if (!error) return asio::ip::tcp::endpoint(figures, *port);
  return HostAndPort{.host = std::move(host), .port = std::to_string(*port)};
}

}  // namespace gust::protocol
