// Which system calls a sandbox's processes may make.
//
// In two steps, since the kernel compiles a filter anew for each process that it is given to, while one that is there
// already is inherited for nothing: the launcher takes a filter of what it and its sandboxes need, some 400
// instructions, and each sandbox one of a dozen, which takes away what only the launcher needs.
#pragma once

#include <linux/filter.h>
#include <vector>

#include "container/launcher/frames.h"

namespace gust::container {

class SeccompFilter {
 public:
  /// Once: about a millisecond. Errors: kSeccompCompile.
  Failure compile();
  /// In the launcher, when it is prepared; needs no_new_privs, as what follows. False with errno set.
  [[nodiscard]] bool confine_launcher() const { return install(shared_); }
  /// In the new process, last before it is gust-pack. False with errno set.
  [[nodiscard]] bool confine_sandbox() const { return install(own_); }

 private:
  [[nodiscard]] static bool install(const std::vector<sock_filter>& program);

  std::vector<sock_filter> shared_;
  std::vector<sock_filter> own_;
};

}  // namespace gust::container
