// The launcher's children, as the kernel lists them: the containers' processes and, because the launcher is a
// subreaper, every descendant of theirs whose own parent has ended.
#pragma once

#include <sys/types.h>
#include <vector>

#include "base/fd.h"

namespace gust::container {

class Descendants {
 public:
  /// Makes the calling process, which must have one thread only, a subreaper. False with errno set.
  bool adopt();
  /// All children, those among them that ended and are not reaped yet.
  [[nodiscard]] std::vector<pid_t> children() const;

 private:
  UniqueFd list_;
};

}  // namespace gust::container
