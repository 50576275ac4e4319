// What fork(3) does in a new process for the C library, for one that clone(2) has made: namespaces are made by the
// latter only.
#pragma once

#include <cstddef>
#include <sys/types.h>

namespace gust::container {

/// What the C library and the kernel agree on about the calling thread, the only one of its process.
class OwnThread {
 public:
  OwnThread();
  /// False where the kernel does not tell (CONFIG_CHECKPOINT_RESTORE): then a copy of this process cannot use the C
  /// library, whose locks know threads by a number that it keeps.
  [[nodiscard]] bool can_be_copied() const { return number_ != nullptr; }
  /// Where the C library keeps the thread's id: clone(2) is to write the new one there (CLONE_CHILD_SETTID), as fork(3)
  /// has it do.
  [[nodiscard]] pid_t* number() const { return number_; }
  /// In the copy: the kernel forgets the list of mutexes that it is to release when the thread dies.
  void restore_robust_list() const;

 private:
  pid_t* number_ = nullptr;
  void* robust_list_ = nullptr;
  std::size_t robust_list_size_ = 0;
};

}  // namespace gust::container
