// Sockets between packs, and their addresses: "unix:NAME tcp:HOST:PORT", in the order in which they are to be tried.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <sys/types.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace gust::transport {

struct Listener {
  UniqueFd socket;  ///< non-blocking
  std::string address;
};

/// On a port chosen by the kernel. `host` is a numeric IPv4 or IPv6 address.
Result<Listener> listen_tcp(const std::string& host);
/// In the abstract namespace: no file is left behind.
Result<Listener> listen_unix(const std::string& name);

/// Connects to the first of the addresses that answers; the socket is non-blocking. kUnavailable when none does.
Result<UniqueFd> connect_to(const std::string& addresses, SteadyTime deadline);

/// A few bytes, and a file descriptor with them, over a Unix socket that nothing has been sent on.
Result<void> send_with_fd(int socket, std::span<const std::byte> bytes, int fd);
/// As recv(): the number of bytes, or -1 and errno. A file descriptor that comes with them goes to `fd`, unless there
/// is one already, or several come.
ssize_t recv_with_fd(int socket, std::span<std::byte> to, UniqueFd& fd);

/// Waits until a socket is ready for `events`; kTimedOut at the deadline.
Result<void> wait_ready(int socket, short events, SteadyTime deadline);

}  // namespace gust::transport
