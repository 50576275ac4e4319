// The Python interpreter of a pack: found in the container, started, told what to do, watched.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

/// What the interpreter runs, embedded by the build: src/pack/python/runner.py.
std::string_view python_runner();

/// Absolute path of the first python3 in these folders, which are given as PATH has them. kInvalid, saying where it was
/// looked for.
Result<std::string> find_python(std::string_view folders);

/// What GUST_PYTHON names, a folder with bin/python3, and otherwise the first of PATH, then of /usr/local/bin or
/// /usr/bin. kInvalid, saying where it was looked for.
Result<std::string> choose_python();

/// A process that runs python_runner(). It imports what it needs of the standard library and then waits for its job, so
/// one may be started before it is known what for: then it catches up with its pack when that is claimed.
class Interpreter {
 public:
  /// Descriptors as the runner finds them.
  static constexpr int kReports = 3;
  static constexpr int kJob = 4;
  static constexpr int kSource = 5;

  /// The program that choose_python() gives. Its standard streams are this process's, as is its
  /// environment. No other descriptor is inherited.
  static Result<Interpreter> start();
  /// Before it is known what for, in a pack that nobody has claimed: that of `folder`, as GUST_PYTHON has it; empty for
  /// the one that a flare without a Python of its own gets.
  static Result<Interpreter> start_ahead(const std::string& folder);

  /// Whether it is what start() would start now, and lives.
  [[nodiscard]] bool is_the_wanted_one() const;
  /// Of one that was started ahead, when its pack is claimed: limits at once; standard output and error and the
  /// environment come with its job. kInternal when it has ended meanwhile.
  Result<void> catch_up();
  /// Has it load the code and fork the workers. Once.
  Result<void> give(const protocol::StartMessage& job);

  /// A non-blocking socket that keeps packets whole, on which it and all of its workers report.
  [[nodiscard]] int socket() const { return socket_.get(); }
  /// Readable when it has ended.
  [[nodiscard]] int ended_fd() const { return process_.get(); }
  /// How it has ended, as from waitpid(2); waits for the end. Once.
  [[nodiscard]] int wait_status() const;

 private:
  static Result<Interpreter> spawn(const std::string& program, char* const* environment, const char* word);
  Result<void> send_job(const std::string& size) const;

  std::string program_;
  bool is_ahead_ = false;
  UniqueFd socket_;
  UniqueFd job_;
  UniqueFd process_;
  pid_t pid_ = -1;
};

}  // namespace gust::pack
