#include "invoker/peer_host.h"

#include <netdb.h>

#include <array>
#include <memory>
#include <sys/socket.h>

#include "base/fd.h"

namespace gust::invoker {

std::string detect_peer_host(const std::string& controller) {
  std::string loopback = "127.0.0.1";
  const std::size_t colon = controller.rfind(':');
  if (controller.starts_with("unix:") || colon == std::string::npos) return loopback;
  std::string host = controller.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), controller.c_str() + colon + 1, &hints, &found) != 0) return loopback;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  const UniqueFd socket(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  std::array<char, NI_MAXHOST> text{};
  // Connecting a datagram socket only chooses the interface.
  const bool known =
      socket && ::connect(socket.get(), found->ai_addr, found->ai_addrlen) == 0 &&
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
      ::getnameinfo(reinterpret_cast<sockaddr*>(&own), size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  return known ? std::string(text.data()) : loopback;
}

}  // namespace gust::invoker
