// The resource limits of a container's process, which everything in the container inherits.
#pragma once

#include <cstdint>
#include <optional>
#include <sys/types.h>

#include "container/launcher/frames.h"

namespace gust::container {

/// Names a container to the kernel: see apply().
using Tag = std::uint64_t;

struct ChildLimits {
  std::uint64_t data = 0;  ///< bytes of private writable memory of each process; 0 for none
  std::uint32_t open_files = 0;
  Tag tag = 0;  ///< 0 for none: a sandbox's processes end with its first one
};

/// In the new process. kNone, or the step that failed, with errno set.
///
/// The tag becomes the limit of file locks (RLIMIT_LOCKS), which Linux keeps and inherits but has not enforced since
/// 2.4: so it marks every descendant, also those that left the process group, and user code without privileges can
/// lower it but not take on an older container's.
Step apply(const ChildLimits& limits);

/// In the launcher, at its start: no core files, and as many descriptors as it may have. The highest tag that it may
/// give out: tags go down from there, since a limit can always be lowered.
std::optional<Tag> prepare_own_limits();

/// The tag of a process, or nothing when it is gone or belongs to another user.
std::optional<Tag> tag_of(pid_t pid);

}  // namespace gust::container
