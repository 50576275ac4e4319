// A server of an action container (OpenWhisk's contract of /init and /run), as a process of a pack.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "pack/server/diverted_port.h"

namespace gust::pack {

/// The command line that runs in this container: GUST_SERVER, which the setting runtimes says, else GUST_IMAGE_COMMAND,
/// which the image itself does. Words stand between separators (kWordSeparator). Empty where neither is set.
std::vector<std::string> server_command();
inline constexpr char kWordSeparator = '\x1f';

class ServerProcess {
 public:
  /// In the current folder, with this process's environment and its own `port`. kInvalid, with a sentence for the
  /// person who deployed it.
  static Result<ServerProcess> start(const std::vector<std::string>& command);

  DivertedPort& port() { return port_; }
  [[nodiscard]] const DivertedPort& port() const { return port_; }
  /// Ends of pipes, non-blocking, given away.
  UniqueFd take_standard_output() { return std::move(standard_output_); }
  UniqueFd take_standard_error() { return std::move(standard_error_); }
  /// Readable when it has ended.
  [[nodiscard]] int ended_fd() const { return process_.get(); }
  /// How it has ended, as from waitpid(2); waits for the end. Once.
  [[nodiscard]] int wait_status() const;

 private:
  DivertedPort port_;
  UniqueFd standard_output_;
  UniqueFd standard_error_;
  UniqueFd process_;
  pid_t pid_ = -1;
};

}  // namespace gust::pack
