#include "protocol/control/address.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
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

}  // namespace

std::optional<std::string> unix_path(const std::string& address) {
  if (!address.starts_with(kUnix)) return std::nullopt;
  return address.substr(kUnix.size());
}

Result<std::variant<Endpoint, HostPort>> read_address(const std::string& address) {
  if (const auto path = unix_path(address)) return GUST_TRY(unix_endpoint(*path));
  HostPort place = GUST_TRY(parse_host_port(address));
  boost::system::error_code error;
  const auto figures = asio::ip::make_address(place.host, error);
  if (!error) return asio::ip::tcp::endpoint(figures, place.port);
  return place;
}

}  // namespace gust::protocol
