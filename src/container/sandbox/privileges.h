// What a sandbox's processes may not do because of who they are.
#pragma once

#include <sys/types.h>

#include "container/launcher/frames.h"
#include "container/sandbox/namespaces.h"

namespace gust::container {

/// In the launcher, once: what its sandboxes inherit. No program that they execute gains anything (no_new_privs, an
/// empty bounding set of capabilities, no meaning of user 0), no groups, no dumps of memory. The launcher keeps its own
/// capabilities: the kernel takes them from a process that executes a program.
Failure limit_heirs(Identity identity);

/// The host user of the sandbox whose first process has this id on the host: one that nobody else has, as long as the
/// process is not collected. 1,879,048,192 and up are in no range that Linux distributions give to anybody.
[[nodiscard]] uid_t user_of(pid_t first_process, Identity identity);

/// In the new process, of which the calling one shares the memory: nothing but itself is changed. False with errno set.
bool become(uid_t user, Identity identity);

}  // namespace gust::container
