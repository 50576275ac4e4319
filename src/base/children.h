// Processes of this same executable that we run: a cluster's parts. They end with us, however we end.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace gust {

/// Not thread-safe. To be made before any other thread, so that none of them takes SIGCHLD.
class Children {
 public:
  /// Blocks SIGCHLD in the calling thread.
  Children();
  /// Kills what is left.
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  struct Command {
    std::string name;                      ///< for people
    std::vector<std::string> arguments;    ///< of this same executable
    std::vector<std::string> environment;  ///< NAME=value, beside what we have ourselves
    int keep_fd = -1;                      ///< stays open in the child
  };
  /// In a process group of its own, so that a terminal's Ctrl-C reaches only us.
  Result<void> spawn(const Command& command);

  struct Ended {
    std::string name;
    pid_t pid = 0;
    int wait_status = 0;
  };
  /// One that has ended since the last call, without waiting.
  std::optional<Ended> reap();

  /// SIGTERM to those of that name; blocks until they have ended or `patience` has passed.
  void stop(std::string_view name, std::chrono::milliseconds patience);
  /// SIGTERM to all, and SIGKILL to those that are left after `patience`. Blocks until all are gone.
  void stop(std::chrono::milliseconds patience);

  [[nodiscard]] std::size_t size() const { return running_.size(); }

 private:
  template <class Condition>
  void wait_while(Condition holds, std::chrono::milliseconds patience);

  std::map<pid_t, std::string> running_;
};

/// "exited with code 3", "was killed by SIGKILL".
std::string describe_wait_status(int wait_status);

/// The path of this executable.
Result<std::string> own_path();

}  // namespace gust
