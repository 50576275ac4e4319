#include "container/launcher/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <linux/close_range.h>

namespace gust::container {
namespace {

constexpr int kPackSocket = 3;
constexpr int kFirstOwn = kPackSocket + 1;

}  // namespace

bool place(const ChildDescriptors& descriptors) {
  return dup2(descriptors.standard_output, STDOUT_FILENO) >= 0 &&
         dup2(descriptors.standard_error, STDERR_FILENO) >= 0 && dup2(descriptors.socket, kPackSocket) >= 0 &&
         close_range(kFirstOwn, ~0U, CLOSE_RANGE_UNSHARE) == 0;
}

bool clear_low_descriptors(int null_device) {
  for (int number = 0; number < kFirstOwn; ++number) {
    if (dup2(null_device, number) < 0) return false;
  }
  return true;
}

UniqueFd move_up(int descriptor) { return UniqueFd(fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstOwn)); }

}  // namespace gust::container
