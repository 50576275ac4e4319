// The gust-launcher that belongs to one driver: its start, its readiness, its end.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "container/images/image.h"
#include "container/launcher/launcher.h"

namespace gust::container {

struct LauncherStart {
  Isolation isolation = Isolation::kNone;
  std::string launcher_binary;
  std::string pack_binary;
  std::string directory;             ///< of working directories; sandboxes' launchers keep nothing in it
  std::string code_directory;        ///< for sandboxes; empty for none
  Network network = Network::kHost;  ///< of sandboxes
  PackStart pack_start = PackStart::kFork;
  const Image* image = nullptr;      ///< of sandboxes; null for the host's own programs
  std::vector<std::string> shown{};  ///< folders of the host that sandboxes without an image can read, beside programs
  std::string oci_runtime{};         ///< of OCI containers, absolute
  Prewarm prewarm;
};

/// Any thread may start it, and may end afterwards: the launcher asks whether its parent process is gone, not its
/// thread. The calling process must not reap the launcher itself (no waitpid(-1), SIGCHLD not ignored).
class LauncherProcess {
 public:
  /// Blocks until the launcher has prepared the directory, an existing one. Errors as of make_driver().
  static Result<LauncherProcess> start(const LauncherStart& start);
  LauncherProcess(LauncherProcess&& other) noexcept;
  LauncherProcess& operator=(LauncherProcess&&) = delete;
  /// As end().
  ~LauncherProcess();

  /// Non-blocking.
  [[nodiscard]] int socket() const { return socket_.get(); }
  /// Bits of enum Unenforced.
  [[nodiscard]] std::uint16_t unenforced() const { return unenforced_; }
  /// Closes the socket, upon which the launcher ends its containers and itself, and waits for that: milliseconds, and
  /// ten seconds at the worst, after which it is killed. How it ended, in words: "was killed by signal 9 (Killed)".
  std::string end();

 private:
  LauncherProcess(pid_t pid, UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}

  pid_t pid_;
  UniqueFd socket_;
  std::uint16_t unenforced_ = 0;
};

}  // namespace gust::container
