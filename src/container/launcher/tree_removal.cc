#include "container/launcher/tree_removal.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>
#include <sys/stat.h>

#include "base/fd.h"

namespace gust::container {
namespace {

/// Each level holds a descriptor open.
constexpr int kMaxDepth = 32;

struct Walk {
  int top = -1;
  std::size_t budget = 0;
  std::size_t progress = 0;  ///< entries removed or moved
  unsigned moved = 0;        ///< makes names for what is moved up
  int error = 0;             ///< of the last entry that could not be removed
};

UniqueFd open_directory(int parent, const char* name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd directory(openat(parent, name, kFlags));
  if (!directory && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0) {
    directory.reset(openat(parent, name, kFlags));
  }
  if (directory) fchmod(directory.get(), 0700);
  return directory;
}

bool move_to_top(int parent, const char* name, Walk& walk) {
  while (true) {
    char free_name[32];
    std::snprintf(free_name, sizeof free_name, "gust-moved-%u", walk.moved++);
    if (renameat2(parent, name, walk.top, free_name, RENAME_NOREPLACE) == 0) return true;
    if (errno != EEXIST) return false;
  }
}

void empty(UniqueFd directory, int depth, Walk& walk);

bool remove_entry(int parent, const char* name, int depth, Walk& walk) {
  if (unlinkat(parent, name, 0) == 0) return true;
  if (errno != EISDIR && errno != EPERM) return false;
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0) return true;
  if (errno != ENOTEMPTY && errno != EEXIST) return false;
  if (depth == kMaxDepth) return move_to_top(parent, name, walk);
  UniqueFd inner = open_directory(parent, name);
  if (!inner) return false;
  empty(std::move(inner), depth + 1, walk);
  return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

void empty(UniqueFd directory, int depth, Walk& walk) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(directory.get()), closedir);
  if (!entries) {
    walk.error = errno;
    return;
  }
  const int parent = directory.release();
  while (walk.budget > 0) {
    const dirent* entry = readdir(entries.get());
    if (entry == nullptr) return;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    --walk.budget;
    if (remove_entry(parent, entry->d_name, depth, walk)) {
      ++walk.progress;
    } else {
      walk.error = errno;
    }
  }
}

}  // namespace

Removal remove_tree(int parent, const char* name, std::size_t budget) {
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return Removal::kDone;
  if (errno == ENOTDIR) return unlinkat(parent, name, 0) == 0 ? Removal::kDone : Removal::kStuck;
  UniqueFd top = open_directory(parent, name);
  if (!top) return Removal::kStuck;
  Walk walk{.top = top.get(), .budget = budget};
  empty(std::move(top), 0, walk);
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0) return Removal::kDone;
  if (walk.progress > 0) return Removal::kMore;
  if (walk.error != 0) errno = walk.error;
  return Removal::kStuck;
}

}  // namespace gust::container
