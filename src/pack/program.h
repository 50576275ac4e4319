// The executable of a pack of kind `native`: put in place, started, spoken to in lines of JSON.
#pragma once

#include <string>
#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"

namespace gust::pack {

/// ActionLoop, as OpenWhisk calls it: a line on its standard input is a request, a line on its descriptor 3 the answer.
/// Standard output and error are this process's, as is the environment.
class Program {
 public:
  static constexpr int kAnswers = 3;

  /// Puts the code (an executable, a script, or a zip archive with `exec` at its top level) into the folder `action`
  /// below the current one, and starts it there. kInvalid, with a sentence for the person who deployed it.
  static Result<Program> start(const std::string& code_path);

  /// Non-blocking, to be written to; closed by finish_requests().
  [[nodiscard]] int requests() const { return requests_.get(); }
  void finish_requests() { requests_.reset(); }
  /// Non-blocking, to be read from.
  [[nodiscard]] int answers() const { return answers_.get(); }
  /// Readable when it has ended.
  [[nodiscard]] int ended_fd() const { return process_.get(); }
  /// How it has ended, as from waitpid(2); waits for the end. Once.
  [[nodiscard]] int wait_status() const;

 private:
  UniqueFd requests_;
  UniqueFd answers_;
  UniqueFd process_;
  pid_t pid_ = -1;
};

}  // namespace gust::pack
