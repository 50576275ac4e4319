// Which system calls a sandbox's processes may make.
#pragma once

#include <linux/filter.h>
#include <vector>

#include "container/launcher/frames.h"

namespace gust::container {

class SeccompFilter {
 public:
  /// Once, in the launcher: about a millisecond. Errors: kSeccompCompile.
  Failure compile();
  /// In the new process, last before it executes gust-pack; needs no_new_privs. False with errno set.
  [[nodiscard]] bool install() const;

 private:
  std::vector<sock_filter> program_;
};

}  // namespace gust::container
