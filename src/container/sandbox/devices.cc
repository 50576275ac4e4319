#include "container/sandbox/devices.h"

#include <unistd.h>

#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "container/sandbox/mounts.h"

namespace gust::container {
namespace {

struct Device {
  const char* name;
  unsigned minor;
};

constexpr unsigned kMemoryDevices = 1;  // the major number of them all
constexpr Device kDevices[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

/// An ordinary user may not make device files, and gets the host's.
bool make_device(const Device& device, Identity identity) {
  const std::string path = std::string("dev/") + device.name;
  if (identity == Identity::kLauncherUser) {
    return make_file(path.c_str()) && show(("/" + path).c_str(), path.c_str(), Nodes::kAllowed);
  }
  // The launcher's umask takes bits away from what mknod is asked for, and packs could not write to /dev/null.
  return mknod(path.c_str(), S_IFCHR | 0666, makedev(kMemoryDevices, device.minor)) == 0 &&
         chmod(path.c_str(), 0666) == 0;
}

}  // namespace

bool make_devices(Identity identity) {
  if (!make_directories("dev")) return false;
  for (const Device& device : kDevices) {
    if (!make_device(device, identity)) return false;
  }
  // Shared memory (shm_open) lies in /tmp, and counts as that.
  return symlink("/proc/self/fd", "dev/fd") == 0 && symlink("/proc/self/fd/0", "dev/stdin") == 0 &&
         symlink("/proc/self/fd/1", "dev/stdout") == 0 && symlink("/proc/self/fd/2", "dev/stderr") == 0 &&
         symlink("/tmp", "dev/shm") == 0;
}

}  // namespace gust::container
