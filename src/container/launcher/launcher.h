// The whole of gust-launcher: takes orders from the driver's socket, creates and ends containers, reports.
//
// It has one thread and never blocks but in poll(2): what cannot be sent now is kept, so that driver and launcher never
// wait for each other.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "container/launcher/containers.h"
#include "container/launcher/frames.h"
#include "container/launcher/private_memory.h"

namespace gust::container {

enum class Isolation { kNone, kSandbox, kOci };

struct LauncherOptions {
  Isolation isolation = Isolation::kNone;  ///< of all its containers
  const char* pack_binary = "";
  const char* directory = "";
  const char* code_directory = "";   ///< of sandboxes; empty for none
  Network network = Network::kHost;  ///< of sandboxes
  const char* image_root = "";       ///< of sandboxes; empty for the host's own programs
  const char* image_directory = "";  ///< where they begin in an image; empty for /tmp
  std::span<char* const> shown;      ///< folders of the host that sandboxes without an image can read, beside programs
  Prewarm prewarm;
  ResidentPack pack;  ///< where packs are to be forked
};

class Launcher {
 public:
  /// `log` is for what nobody else can be told. Both descriptors are this object's from here on.
  Launcher(UniqueFd socket, UniqueFd log);

  /// Serves until the driver is gone, and leaves no container behind. The exit status for main: 0, or 1 when it could
  /// not begin (which the driver is told) or had to give up a process that would not die.
  int run(const LauncherOptions& options);

 private:
  Failure prepare(const LauncherOptions& options);
  void send_ready(Failure failure) const;
  void serve(Containers& containers);
  bool receive(Containers& containers);
  bool start_all(Containers& containers, std::span<char> packet, std::uint32_t count,
                 std::vector<UniqueFd> descriptors);
  bool handle_signals(Containers& containers);
  void flush(std::vector<EventEntry>& events);
  int shut_down(Containers& containers);

  UniqueFd socket_;
  UniqueFd log_;
  UniqueFd null_device_;
  UniqueFd signals_;
  pid_t parent_;
  Tag highest_tag_ = 0;
  WorkingDirectories directories_;
  Descendants descendants_;
  std::optional<Sandboxes> sandboxes_;
  PrivateMemory buffer_{kMaxLauncherPacket};
  bool blocked_ = false;  ///< the socket is full: events wait
};

}  // namespace gust::container
