// Which namespaces sandboxes have: some one each, some one for all sandboxes of a launcher.
#pragma once

#include <sys/types.h>

#include "container/launcher/frames.h"

namespace gust::container {

enum class Identity {
  kOwnUser,       ///< with CAP_SYS_ADMIN: each sandbox is a host user of its own, without a user namespace
  kLauncherUser,  ///< as an ordinary user: all sandboxes are that user, in one user namespace
};

enum class Network {
  kHost,
  kNone,  ///< a network namespace for each, in which there is nothing but a loopback interface
};

/// Flags of clone(2) for each sandbox: what its processes could otherwise see of another's, or leave behind. The host
/// name and the root of cgroup paths are the launcher's: without privileges nobody can change them.
[[nodiscard]] unsigned long namespaces_of_each(Network network);

/// In the new process, while it has its privileges: a network namespace begins with its loopback interface down. False
/// with errno set.
bool raise_loopback();

/// By what the calling process may do.
Identity foresee_identity();

/// In the launcher, once: a user namespace where it has no privileges, then the namespaces that its sandboxes share, or
/// that they begin with a copy of. The calling process must have one thread.
Failure enter_own_namespaces(Identity& identity);

}  // namespace gust::container
