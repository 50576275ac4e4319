// Creates the threads of a pack's workers, with as little work for the kernel as that can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace gust::pack {

/// Address space for each worker: 8 MiB, what the main thread of a program has by default and C++ code expects. Only
/// the pages that are touched become memory.
inline constexpr std::size_t kWorkerStackBytes = std::size_t{8} << 20;

/// Part of the above: the stack that a worker's signal handler runs on, so that an overflow of the other can be
/// reported. Above what the largest register set (AMX) needs.
inline constexpr std::size_t kSignalStackBytes = std::size_t{64} << 10;

/// The stacks of all workers in one mapping: one call to the kernel instead of three for each thread. Each worker's
/// part is, from below: signal stack, guard page, stack. Never unmapped: a pack ends with its process.
///
/// Only on one thread, the pack's main thread.
class Threads {
 public:
  /// kInternal when there is no address space for that many.
  static Result<Threads> reserve(std::uint32_t count);

  /// Starts the thread with this index, once. It is never joined. kInternal with the kernel's reason.
  Result<void> start(std::uint32_t index, void* (*function)(void*), void* argument);

  [[nodiscard]] std::span<std::byte> signal_stack(std::uint32_t index) const;

 private:
  Threads(std::byte* stacks, std::uint32_t count) : stacks_(stacks), count_(count) {}

  std::byte* stacks_;
  std::uint32_t count_;
};

}  // namespace gust::pack
