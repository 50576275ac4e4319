// Creates the threads of a pack's workers, with as little work for the kernel as that can be.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
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

  /// Makes all threads that are reserved now, to wait for start(): waking one costs the kernel less than half of making
  /// one. Once, before start().
  Result<void> make_ahead();
  /// Reserves more, in a mapping of their own, until there are `count`. At most once beside reserve().
  Result<void> grow(std::uint32_t count);

  struct Task {
    void* (*function)(void*);
    void* argument;
  };
  /// Starts a thread for each task, once; as many as are reserved at the most. They are never joined. kInternal with
  /// the kernel's reason.
  Result<void> start(std::vector<Task> tasks);

  /// That are reserved.
  [[nodiscard]] std::uint32_t count() const {
    return stacks_.empty() ? 0 : stacks_.back().first + stacks_.back().count;
  }
  /// What the thread of the task with this index has to use_signal_stack(). Empty where it does already, because it
  /// was made ahead.
  [[nodiscard]] std::span<std::byte> missing_signal_stack(std::uint32_t index) const;

 private:
  struct Stacks {
    std::byte* begin;
    std::uint32_t first;
    std::uint32_t count;
  };
  struct Ahead;
  /// One thread that was made ahead.
  struct Waiting {
    Ahead& ahead;
    std::span<std::byte> signal_stack;
  };
  /// What all of them wait for; each takes the next task.
  struct Ahead {
    std::deque<Waiting> waiting;
    std::vector<Task> tasks;               ///< written before they are ready
    std::atomic<std::uint32_t> ready = 0;  ///< tasks; a futex
    std::atomic<std::uint32_t> taken = 0;
  };

  static void* wait(void* waiting);
  [[nodiscard]] std::span<std::byte> signal_stack(std::uint32_t index) const;
  Result<void> create(std::uint32_t index, const Task& task) const;

  std::vector<Stacks> stacks_;
  std::unique_ptr<Ahead> ahead_ = std::make_unique<Ahead>();
};

}  // namespace gust::pack
