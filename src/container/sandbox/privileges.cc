#include "container/sandbox/privileges.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace gust::container {
namespace {

constexpr uid_t kFirstUser = 0x7000'0000;

bool empty_bounding_set() {
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return false;
  }
  return true;
}

/// Inheritable capabilities would survive execve(2) of a file that has some.
bool empty_inheritable_set() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  if (syscall(SYS_capget, &header, sets) != 0) return false;
  for (__user_cap_data_struct& set : sets) set.inheritable = 0;
  return syscall(SYS_capset, &header, sets) == 0;
}

}  // namespace

Failure limit_heirs(Identity identity) {
  constexpr unsigned long kBits =
      SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  const bool groups_gone = identity == Identity::kLauncherUser || setgroups(0, nullptr) == 0;
  if (!groups_gone || prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0 ||
      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || !empty_bounding_set() ||
      !empty_inheritable_set() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return {Step::kPrivileges, errno};
  }
  return {};
}

uid_t user_of(pid_t first_process, Identity identity) {
  return identity == Identity::kOwnUser ? kFirstUser + static_cast<uid_t>(first_process) : geteuid();
}

/// The system calls: the C library's functions would tell all threads, of which it would see the launcher's.
bool become(uid_t user, Identity identity) {
  if (identity == Identity::kLauncherUser) return true;
  return syscall(SYS_setresgid, user, user, user) == 0 && syscall(SYS_setresuid, user, user, user) == 0;
}

}  // namespace gust::container
