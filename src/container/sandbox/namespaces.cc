#include "container/sandbox/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/fd.h"

namespace gust::container {
namespace {

constexpr char kHostName[] = "gust";
/// What an ordinary user is called inside. Not 0, which programs take for more than it is here.
constexpr unsigned kUserInside = 1000;

/// False in a user namespace that others made for us, as engines of rootless containers do.
bool all_users_exist() {
  const UniqueFd file(open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC));
  char text[128] = "";
  unsigned inside = 1;
  unsigned outside = 1;
  unsigned count = 0;
  return file && read(file.get(), text, sizeof text - 1) > 0 &&
         std::sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && count == ~0U;
}

bool write_file(const char* path, const char* text) {
  const UniqueFd file(open(path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
}

bool map(const char* path, unsigned outside) {
  char line[64];
  std::snprintf(line, sizeof line, "%u %u 1\n", kUserInside, outside);
  return write_file(path, line);
}

}  // namespace

Identity foresee_identity() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  const bool may_mount = syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & (1U << CAP_SYS_ADMIN)) != 0;
  return may_mount && all_users_exist() ? Identity::kOwnUser : Identity::kLauncherUser;
}

unsigned long namespaces_of_each(Network network) {
  return CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | (network == Network::kNone ? CLONE_NEWNET : 0);
}

bool raise_loopback() {
  const UniqueFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return any && ioctl(any.get(), SIOCSIFFLAGS, &request) == 0;
}

Failure enter_own_namespaces(Identity& identity) {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  identity = foresee_identity();
  if (identity == Identity::kLauncherUser) {
    if (unshare(CLONE_NEWUSER) != 0 || !write_file("/proc/self/setgroups", "deny") ||
        !map("/proc/self/uid_map", user) || !map("/proc/self/gid_map", group)) {
      return {Step::kUserNamespace, errno};
    }
  }
  if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP) != 0 ||
      sethostname(kHostName, sizeof kHostName - 1) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) {
    return {Step::kNamespaces, errno};
  }
  return {};
}

}  // namespace gust::container
