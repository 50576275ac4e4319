// What new processes tell the launcher of themselves, in memory that they share with it until they are packs.
#pragma once

#include <cstdint>
#include <span>
#include <sys/types.h>
#include <vector>

#include "container/launcher/frames.h"

namespace gust::container {

struct Birth {
  pid_t process = 0;  ///< id on the host; the kernel writes it before the process runs
  Failure failure;    ///< the process writes it when it cannot become a pack, and ends
};

/// As many as there can be containers.
class Births {
 public:
  Births();
  ~Births();
  Births(const Births&) = delete;
  Births& operator=(const Births&) = delete;

  /// A blank one. Null with errno set when there are no more.
  Birth* take();
  void give_back(Birth* birth) { free_.push_back(birth); }
  /// In a new process that does not share all of the launcher's memory: it has no part in them any more.
  void leave() const;

 private:
  std::span<Birth> all_;
  std::size_t used_ = 0;
  std::vector<Birth*> free_;
};

}  // namespace gust::container
