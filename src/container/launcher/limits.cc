#include "container/launcher/limits.h"

#include <algorithm>
#include <sys/resource.h>

namespace gust::container {
namespace {

/// Far from RLIM_INFINITY, which would not tell a container's process from any other.
constexpr Tag kHighestTag = Tag{1} << 62;

template <class Resource>
bool limit(Resource resource, std::uint64_t value) {
  const rlimit both{value, value};
  return setrlimit(resource, &both) == 0;
}

}  // namespace

Step apply(const ChildLimits& limits) {
  if (limits.data != 0 && !limit(RLIMIT_DATA, limits.data)) return Step::kLimitMemory;
  if (!limit(RLIMIT_NOFILE, limits.open_files)) return Step::kLimitOpenFiles;
  if (limits.tag != 0 && !limit(__RLIMIT_LOCKS, limits.tag)) return Step::kTag;
  return Step::kNone;
}

std::optional<Tag> prepare_own_limits() {
  rlimit files{};
  rlimit locks{};
  if (!limit(RLIMIT_CORE, 0) || getrlimit(RLIMIT_NOFILE, &files) != 0 || getrlimit(__RLIMIT_LOCKS, &locks) != 0) {
    return std::nullopt;
  }
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) return std::nullopt;
  return std::min<Tag>(kHighestTag, locks.rlim_max);
}

std::optional<Tag> tag_of(pid_t pid) {
  rlimit locks{};
  if (prlimit(pid, __RLIMIT_LOCKS, nullptr, &locks) != 0) return std::nullopt;
  return locks.rlim_max;
}

}  // namespace gust::container
