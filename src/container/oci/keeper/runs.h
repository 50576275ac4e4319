// The containers of one keeper: those that wait for their runtime, those whose runtime works, those that live.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "container/launcher/frames.h"
#include "container/oci/keeper/keeper.h"
#include "container/oci/keeper/runtime_process.h"

namespace gust::container {

class Runs {
 public:
  /// Of the socket, standard output and standard error.
  using Descriptors = std::array<UniqueFd, kDescriptorsPerStart>;

  /// `host_proc` is the /proc in whose numbers the driver is told of processes.
  Runs(const KeeperOptions& options, UniqueFd host_proc);

  void add(std::uint64_t id, Descriptors descriptors);
  void refuse(std::uint64_t id, Failure failure);
  /// One that waits still ends at once, without ever having been launched; one whose runtime works when that is ready.
  void kill(std::uint64_t id);
  /// Starts runtimes, as many as can work at the same time.
  void start_more();
  /// After SIGCHLD.
  void reap();

  std::vector<EventEntry>& events() { return events_; }

 private:
  struct Waiting {
    std::uint64_t id = 0;
    Descriptors descriptors;
  };
  struct Run {
    std::uint64_t id = 0;
    bool to_kill = false;
  };
  struct Ended {
    int wait_status = 0;
    std::uint64_t cpu_us = 0;
    std::uint64_t peak_bytes = 0;
    pid_t outside = 0;
  };

  void start(Waiting waiting);
  void runtime_ended(Run run, int wait_status);
  void container_ended(std::uint64_t id, const Ended& ended);
  [[nodiscard]] Bundle bundle_of(std::uint64_t id) const;

  KeeperOptions options_;
  UniqueFd host_proc_;
  std::size_t most_runtimes_;
  std::deque<Waiting> waiting_;
  std::unordered_map<pid_t, Run> runtimes_;        ///< by the runtime's process
  std::unordered_map<pid_t, std::uint64_t> live_;  ///< by the container's first process
  std::unordered_map<std::uint64_t, pid_t> ids_;   ///< of all but the waiting; 0 while the runtime works
  std::unordered_map<pid_t, Ended> early_;         ///< ended before their runtime said whose they are
  std::vector<EventEntry> events_;
};

}  // namespace gust::container
