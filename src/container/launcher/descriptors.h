// Which descriptors a container begins with: 0 is /dev/null, 1 and 2 are its output pipes, 3 is its socket; no others.
//
// The new process shares the launcher's descriptor table until it places its descriptors, and leaves it in the same
// system call that closes the others. So the table, which holds the descriptors of a whole batch, is never copied. For
// that, the launcher keeps the numbers 0 to 3 free of its own.
#pragma once

#include <string_view>

#include "base/fd.h"

namespace gust::container {

struct ChildDescriptors {
  int socket = -1;
  int standard_output = -1;
  int standard_error = -1;
};

/// In the new process, while the launcher waits. False with errno set.
bool place(const ChildDescriptors& descriptors);

/// In the launcher: 0 to 3 refer to /dev/null, again. At its start, and after each batch, so that it does not keep the
/// last container's pipes open. False with errno set.
bool clear_low_descriptors(int null_device);

/// The same descriptor under a number above those that containers use, closed on execve(2). Invalid on failure, errno
/// set.
UniqueFd move_up(int descriptor);

}  // namespace gust::container
