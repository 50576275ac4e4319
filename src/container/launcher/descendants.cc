#include "container/launcher/descendants.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <sys/prctl.h>

namespace gust::container {

bool Descendants::adopt() {
  list_ = UniqueFd(open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
  return list_ && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

std::vector<pid_t> Descendants::children() const {
  std::string text;
  std::array<char, 16 << 10> part;
  ssize_t size = 0;
  while ((size = pread(list_.get(), part.data(), part.size(), static_cast<off_t>(text.size()))) > 0) {
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  std::vector<pid_t> pids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error != std::errc{}) break;
    pids.push_back(pid);
    at = next + 1;
  }
  return pids;
}

}  // namespace gust::container
