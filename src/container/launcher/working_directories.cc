#include "container/launcher/working_directories.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <vector>

namespace gust::container {
namespace {

constexpr std::size_t kEntriesAtOnce = 10'000;

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(copy), closedir);
  if (!entries) return names;
  while (const dirent* entry = readdir(entries.get())) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      names.emplace_back(entry->d_name);
  }
  return names;
}

}  // namespace

Failure WorkingDirectories::open(const char* path) {
  directory_ = UniqueFd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_ || fchdir(directory_.get()) != 0) return {Step::kOpenDirectory, errno};
  if (flock(directory_.get(), LOCK_EX | LOCK_NB) != 0) return {Step::kLockDirectory, errno};
  return clear();
}

bool WorkingDirectories::create(std::uint64_t id) { return mkdirat(directory_.get(), name(id).c_str(), 0700) == 0; }

bool WorkingDirectories::rename(std::uint64_t id, std::uint64_t new_id) {
  return renameat(directory_.get(), name(id).c_str(), directory_.get(), name(new_id).c_str()) == 0;
}

Removal WorkingDirectories::remove(std::uint64_t id, std::size_t budget, int log) {
  const Removal outcome = remove_tree(directory_.get(), name(id).c_str(), budget);
  if (outcome == Removal::kStuck) {
    dprintf(log, "gust-launcher: cannot remove the working directory packs/%s: %s; remove it by hand\n",
            name(id).c_str(), std::strerror(errno));
  }
  return outcome;
}

Failure WorkingDirectories::clear() {
  for (const std::string& left : names_in(directory_.get())) {
    Removal outcome = Removal::kMore;
    while (outcome == Removal::kMore) outcome = remove_tree(directory_.get(), left.c_str(), kEntriesAtOnce);
    if (outcome == Removal::kStuck) return {Step::kClearDirectory, errno};
  }
  return {};
}

}  // namespace gust::container
