#include "container/sandbox/private_mounts.h"

#include <cerrno>
#include <cstdio>
#include <sys/mount.h>

namespace gust::container {
namespace {

/// Only files that the sandbox's user could read: the others are root's. Each costs some microseconds.
constexpr const char* kMasked[] = {"/proc/cmdline", "/proc/kallsyms", "/proc/keys", "/proc/modules"};
/// An inode costs kernel memory, which is counted as the sandbox's where cgroups are; this bounds it where not.
constexpr std::uint64_t kBytesPerInode = 4096;
constexpr std::uint64_t kFewestInodes = 1024;

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
  const unsigned long long inodes = bytes / kBytesPerInode + kFewestInodes;
  if (bytes == 0) {
    std::snprintf(options, sizeof options, "mode=0700,uid=%u,gid=%u", owner, owner);
  } else {
    std::snprintf(options, sizeof options, "mode=0700,uid=%u,gid=%u,size=%llu,nr_inodes=%llu", owner, owner,
                  static_cast<unsigned long long>(bytes), inodes);
  }
  return mount("tmp", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

}  // namespace gust::container
