#include "transport/tcp/sockets.h"

#include <poll.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <utility>
#include <vector>

#include "base/pass_fds.h"

namespace gust::transport {

namespace {

using namespace std::chrono_literals;

constexpr int kBacklog = 4096;
// A host that does not answer is not to use up the time of the address behind it.
constexpr auto kConnectPatience = 5s;
// A connection on which nothing comes is asked about after so long, so often at such distances: hosts answer for packs
// that are busy. Who waits for a message of a host that is gone, or cannot be heard, knows after five seconds.
constexpr int kQuietSeconds = 2;
constexpr int kAskSeconds = 1;
constexpr int kAsks = 3;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Address> tcp_address(const std::string& host, std::uint16_t port) {
  Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof v4;
    return address;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof v6;
    return address;
  }
  return fail(ErrorCode::kInvalid, "'" + host + "' is no numeric address; packs need one, like 10.0.0.7");
}

Result<Address> unix_address(const std::string& name) {
  Address address;
  auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
  if (name.empty() || name.size() >= sizeof local.sun_path) {
    return fail(ErrorCode::kInvalid, "'" + name + "' is no name for a Unix socket");
  }
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path + 1, name.data(), name.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

void set(int socket, int level, int option, int value) { ::setsockopt(socket, level, option, &value, sizeof value); }

/// Also of the connections that a listener accepts.
void notice_silence(int socket) {
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, kQuietSeconds);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, kAskSeconds);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, kAsks);
}

Result<UniqueFd> open_listener(const Address& address) {
  UniqueFd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("create a socket for other packs", errno);
  if (::bind(socket.get(), address.get(), address.size) != 0) {
    return fail_errno("bind a socket for other packs", errno);
  }
  if (::listen(socket.get(), kBacklog) != 0) return fail_errno("listen for other packs", errno);
  return socket;
}

Result<Address> parse(const std::string& text) {
  if (text.starts_with("unix:")) return unix_address(text.substr(5));
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  if (!text.starts_with("tcp:") || colon < 4 ||
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ec != std::errc()) {
    return fail(ErrorCode::kInvalid, "'" + text + "' is no address of a pack");
  }
  return tcp_address(text.substr(4, colon - 4), port);
}

Result<UniqueFd> connect_one(const std::string& text, SteadyTime deadline) {
  const Address address = GUST_TRY(parse(text));
  UniqueFd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("create a socket to another pack", errno);
  while (::connect(socket.get(), address.get(), address.size) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {  // a Unix socket whose backlog is full: it gives no event
      if (std::chrono::steady_clock::now() >= deadline) return fail(ErrorCode::kTimedOut, text + " does not answer");
      ::poll(nullptr, 0, 1);
      continue;
    }
    if (errno != EINPROGRESS) return fail(ErrorCode::kUnavailable, text + ": " + std::strerror(errno));
    GUST_TRY_VOID(wait_ready(socket.get(), POLLOUT, deadline));
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(ErrorCode::kUnavailable, text + ": " + std::strerror(error));
    break;
  }
  if (address.storage.ss_family != AF_UNIX) {
    set(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    notice_silence(socket.get());
  } else {
    set(socket.get(), SOL_SOCKET, SO_SNDBUF, 1 << 20);  // the default of 208 KiB makes both ends take turns
  }
  return socket;
}

}  // namespace

Result<void> send_with_fd(int socket, std::span<const std::byte> bytes, int fd) {
  ssize_t sent = -1;
  do {
    sent = send_with_fds(socket, bytes, std::span(&fd, 1), MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent == static_cast<ssize_t>(bytes.size())) return {};
  return fail(ErrorCode::kUnavailable,
              std::string("connection lost: ") + (sent < 0 ? std::strerror(errno) : "it takes nothing"));
}

ssize_t recv_with_fd(int socket, std::span<std::byte> to, UniqueFd& fd) {
  std::vector<UniqueFd> received;
  const ssize_t got = receive_with_fds(socket, to, received);
  if (received.size() == 1 && !fd) fd = std::move(received.front());
  return got;
}

Result<void> wait_ready(int socket, short events, SteadyTime deadline) {
  while (true) {
    const auto left = std::min<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now(), 1h);
    pollfd entry{.fd = socket, .events = events, .revents = 0};
    const int ready = ::poll(
        &entry, 1, std::max<int>(0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count())));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail_errno("wait for a socket", errno);
    if (std::chrono::steady_clock::now() >= deadline) return fail(ErrorCode::kTimedOut, "the other end does not read");
  }
}

Result<Listener> listen_tcp(const std::string& host) {
  Address address = GUST_TRY(tcp_address(host, 0));
  Listener listener;
  listener.socket = GUST_TRY(open_listener(address));
  notice_silence(listener.socket.get());
  if (::getsockname(listener.socket.get(), address.get(), &address.size) != 0) {
    return fail_errno("getsockname", errno);
  }
  const std::uint16_t port =
      ntohs(address.storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port
                                                  : reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
  listener.address = "tcp:" + host + ":" + std::to_string(port);
  return listener;
}

Result<Listener> listen_unix(const std::string& name) {
  Listener listener;
  const Address address = GUST_TRY(unix_address(name));
  listener.socket = GUST_TRY(open_listener(address));
  listener.address = "unix:" + name;
  return listener;
}

Result<UniqueFd> connect_to(const std::string& addresses, SteadyTime deadline) {
  std::string tried;
  for (std::size_t begin = 0; begin < addresses.size();) {
    const std::size_t end = std::min(addresses.find(' ', begin), addresses.size());
    const std::string word = addresses.substr(begin, end - begin);
    begin = end + 1;
    auto socket = connect_one(word, std::min(deadline, std::chrono::steady_clock::now() + kConnectPatience));
    if (socket) return socket;
    tried += (tried.empty() ? "" : "; ") + socket.error().message;
  }
  return fail(ErrorCode::kUnavailable, "no connection: " + (tried.empty() ? "it has no address" : tried));
}

}  // namespace gust::transport
