// The containers' working directories: one directory that this launcher alone uses, with one below it for each
// container. It is the launcher's own working directory, so that new processes reach theirs by its short name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/fd.h"
#include "container/launcher/frames.h"
#include "container/launcher/tree_removal.h"

namespace gust::container {

class WorkingDirectories {
 public:
  /// Goes to `path`, locks it, and removes what an earlier launcher left there.
  Failure open(const char* path);

  /// False with errno set.
  bool create(std::uint64_t id);
  /// False with errno set.
  bool rename(std::uint64_t id, std::uint64_t new_id);
  /// As remove_tree(). What is stuck is reported on `log` and left behind.
  Removal remove(std::uint64_t id, std::size_t budget, int log);
  /// All there are, however long it takes.
  Failure clear();

  static std::string name(std::uint64_t id) { return std::to_string(id); }

 private:
  UniqueFd directory_;
};

}  // namespace gust::container
