// Sockets between packs, and their addresses: "unix:NAME tcp:HOST:PORT", in the order in which they are to be tried.
#pragma once

#include <string>

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

/// Waits until a socket is ready for `events`; kTimedOut at the deadline.
Result<void> wait_ready(int socket, short events, SteadyTime deadline);

}  // namespace gust::transport
