// Creates the threads of a pack's workers, with as little work for the kernel as that can be.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

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
  /// None yet.
  Threads() = default;
  /// kInternal when there is no address space for that many.
  static Result<Threads> reserve(std::uint32_t count);

  /// Makes all threads that are reserved now, to wait for their start(): waking one costs the kernel less than half of
  /// making one. Once, before any start().
  Result<void> make_ahead();
  /// Reserves more, in a mapping of their own, until there are `count`. At most once beside reserve().
  Result<void> grow(std::uint32_t count);

  /// Starts the thread with this index, once. It is never joined. kInternal with the kernel's reason.
  Result<void> start(std::uint32_t index, void* (*function)(void*), void* argument);

  [[nodiscard]] std::span<std::byte> signal_stack(std::uint32_t index) const;

 private:
  struct Stacks {
    std::byte* begin;
    std::uint32_t first;
    std::uint32_t count;
  };
  /// A thread that was made ahead; what it is to do is written before it is released.
  struct Waiting {
    void* (*function)(void*) = nullptr;
    void* argument = nullptr;
    std::atomic<std::uint32_t> released = 0;  ///< a futex
  };

  static void* wait(void* waiting);
  Result<void> create(std::uint32_t index, void* (*function)(void*), void* argument) const;
  [[nodiscard]] std::uint32_t count() const {
    return stacks_.empty() ? 0 : stacks_.back().first + stacks_.back().count;
  }

  std::vector<Stacks> stacks_;
  std::unique_ptr<Waiting[]> ahead_;
  std::uint32_t ahead_count_ = 0;
};

}  // namespace gust::pack
