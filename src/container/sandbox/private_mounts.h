// The mounts that each sandbox has of its own: /proc, which shows its processes only, and an empty /tmp.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace gust::container {

/// Files that a /tmp of this size may have: an inode costs kernel memory, which is counted as the container's where
/// cgroups are; this bounds it where not.
constexpr std::uint64_t inodes_for(std::uint64_t bytes) {
  constexpr std::uint64_t kBytesEach = 4096;
  constexpr std::uint64_t kFewest = 1024;
  return bytes / kBytesEach + kFewest;
}

/// In the new process, in its mount and process namespaces. False with errno set. Read-only, so that nothing of
/// /proc/sys can be written, and without what tells of the host's kernel and devices.
bool mount_proc();

/// In the new process. `bytes` 0 for as much as the memory limit permits. False with errno set.
bool mount_tmp(std::uint64_t bytes, uid_t owner);

/// In the launcher: a descriptor of a file system by which its size can be changed when it is somebody's /tmp. Not 0
/// bytes: the kernel lets a limit be changed or taken away, and none be set where there was none. -1 with errno set.
/// Linux 5.2.
int open_adjustable_tmp(std::uint64_t bytes);

/// In the new process, which has that descriptor. False with errno set.
bool mount_adjustable_tmp(int context, uid_t owner);

/// In the launcher, when it is mounted. False with errno set.
bool resize_tmp(int context, std::uint64_t bytes);

}  // namespace gust::container
