// Port 8080 for each of any number of servers that share a network: their calls of bind(2) are put before this process,
// which gives each a socket on a port of its own. No namespace, no privilege.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace gust::pack {

/// In a child between fork and execve, safe for signal handlers: from then on each bind(2) of this process and of its
/// descendants waits for whoever has the descriptor that this gives, which closes on exec. -1, with errno, where the
/// kernel or a container's filter does not allow it. Takes away what privileges execve could give.
int divert_binds();

/// What answers those calls. A bind to `port` becomes a listening socket on a port of the loopback interface that the
/// kernel chose, and nobody but this object reaches it: the kernel drops what is not signed with its key. Other binds
/// happen as they were called. Only on one thread.
class DivertedPort {
 public:
  static constexpr std::uint16_t kPort = 8080;
  using Key = std::array<std::byte, 32>;

  DivertedPort() = default;
  explicit DivertedPort(UniqueFd calls, std::uint16_t port = kPort);

  /// Readable when a call waits; at its end when no process is left that could make one.
  [[nodiscard]] int calls_fd() const { return calls_.get(); }
  /// Answers one call that waits, if any; to be called again when readable. Never blocks.
  void take_call();
  /// Some process has bound `port`.
  [[nodiscard]] bool is_bound() const { return listener_.operator bool(); }
  /// A non-blocking connection to it, perhaps not yet established.
  [[nodiscard]] Result<UniqueFd> connect() const;

 private:
  UniqueFd calls_;
  std::uint16_t port_ = kPort;
  Key key_{};
  UniqueFd listener_;  ///< the server's own socket
};

}  // namespace gust::pack
