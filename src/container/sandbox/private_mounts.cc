#include "container/sandbox/private_mounts.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <sys/mount.h>

#include "base/fd.h"
#include "container/launcher/descriptors.h"

namespace gust::container {
namespace {

/// Only files that the sandbox's user could read: the others are root's. Each costs some microseconds.
constexpr const char* kMasked[] = {"/proc/cmdline", "/proc/kallsyms", "/proc/keys", "/proc/modules"};

unsigned long long ull(std::uint64_t number) { return number; }

bool configure(int context, const char* key, std::uint64_t value, const char* format = "%llu") {
  char text[32];
  std::snprintf(text, sizeof text, format, ull(value));
  return fsconfig(context, FSCONFIG_SET_STRING, key, text, 0) == 0;
}

/// 0 is no limit, to tmpfs as well.
bool configure_size(int context, std::uint64_t bytes) {
  return configure(context, "size", bytes) && configure(context, "nr_inodes", bytes == 0 ? 0 : inodes_for(bytes));
}

}  // namespace

bool mount_proc() {
  if (mount("proc", "/proc", "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return false;
  for (const char* path : kMasked) {
    if (mount("/dev/null", path, nullptr, MS_BIND, nullptr) != 0 && errno != ENOENT) return false;
  }
  return true;
}

bool mount_tmp(std::uint64_t bytes, uid_t owner) {
  char options[128];
  if (bytes == 0) {
    std::snprintf(options, sizeof options, "mode=0700,uid=%u,gid=%u", owner, owner);
  } else {
    std::snprintf(options, sizeof options, "mode=0700,uid=%u,gid=%u,size=%llu,nr_inodes=%llu", owner, owner, ull(bytes),
                  ull(inodes_for(bytes)));
  }
  return mount("tmp", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

int open_adjustable_tmp(std::uint64_t bytes) {
  UniqueFd context(fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (context) context = move_up(context.get());
  const bool made = context && configure(context.get(), "mode", 0700, "%llo") && configure_size(context.get(), bytes) &&
                    fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  return made ? context.release() : -1;
}

bool mount_adjustable_tmp(int context, uid_t owner) {
  const UniqueFd mounted(fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  return mounted && fchownat(mounted.get(), "", owner, owner, AT_EMPTY_PATH) == 0 &&
         move_mount(mounted.get(), "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

bool resize_tmp(int context, std::uint64_t bytes) {
  return configure_size(context, bytes) && fsconfig(context, FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) == 0;
}

}  // namespace gust::container
