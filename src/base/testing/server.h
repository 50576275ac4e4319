// Real servers for tests: a process of the test's own, on a port chosen by the kernel, in a temporary folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace gust::testing {

struct ServerProgram {
  std::string name;            ///< looked for in PATH
  std::filesystem::path path;  ///< where it is, if PATH may be without it
  /// Of the program; `folder` is empty at first, and the working directory.
  std::function<std::vector<std::string>(const std::filesystem::path& folder, std::uint16_t port)> arguments;
  /// NAME=value, beside what we have ourselves.
  std::function<std::vector<std::string>(const std::filesystem::path& folder, std::uint16_t port)> environment;
  /// Whether it answers requests; asked again and again.
  std::function<bool(std::uint16_t port)> answers;
  std::chrono::seconds patience{60};
};

/// Runs from start() to the destructor, which kills it and all that it started, and removes its folder. It ends with
/// us, however we end. Not thread-safe; to be started on a thread that lives as long.
class Server {
 public:
  /// Returns when it answers. kNotFound when the program is not installed; kUnavailable with the end of what it
  /// printed.
  static Result<std::unique_ptr<Server>> start(ServerProgram program);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// SIGKILL. Returns when it is gone.
  void kill();
  /// After kill(): once more, with the same port and folder. Returns when it answers.
  Result<void> restart();
  /// Stops it (SIGSTOP; returns when it has stopped) and lets it go on: a server that does not answer.
  void freeze() const;
  void thaw() const;

 private:
  Server(ServerProgram program, std::filesystem::path path, std::filesystem::path folder);
  Result<void> launch();
  [[nodiscard]] std::string last_words() const;

  const ServerProgram program_;
  const std::filesystem::path path_;
  const std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

/// A port of this host that nothing listens on, for what a server needs beside its own.
Result<std::uint16_t> free_port();

/// Sends `request` to the port of this host and tells whether the answer begins with `expected`: a way to answers().
bool replies(std::uint16_t port, std::string_view request, std::string_view expected);

}  // namespace gust::testing
