#include "pack/threads.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/futex.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <utility>

#include "base/check.h"
#include "pack/last_words.h"
#include "pack/warm_up.h"

namespace gust::pack {

namespace {

constexpr std::size_t kGuardBytes = 4096;

/// MADV_GUARD_INSTALL, since Linux 6.13: the libc's header may be older.
constexpr int kGuardInstall = 102;

// A guard that does not split the mapping costs half of one that does; older kernels have only the latter.
bool make_guard(std::byte* page) {
  return ::madvise(page, kGuardBytes, kGuardInstall) == 0 || ::mprotect(page, kGuardBytes, PROT_NONE) == 0;
}

Result<std::byte*> map_stacks(std::uint32_t count) {
  const std::size_t size = count * kWorkerStackBytes;
  void* stacks =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stacks == MAP_FAILED) {
    return fail(ErrorCode::kInternal, "no address space for the stacks of " + std::to_string(count) + " workers (" +
                                          std::to_string(size >> 20) + " MB): " + std::strerror(errno));
  }
  // Where huge pages are given unasked, the first touch of each stack would clear 2 MiB.
  ::madvise(stacks, size, MADV_NOHUGEPAGE);
  auto* begin = static_cast<std::byte*>(stacks);
  for (std::uint32_t index = 0; index < count; ++index) {
    if (!make_guard(begin + index * kWorkerStackBytes + kSignalStackBytes)) {
      return fail_errno("protect the end of a worker's stack", errno);
    }
  }
  return begin;
}

}  // namespace

Result<Threads> Threads::reserve(std::uint32_t count) {
  Threads threads;
  threads.stacks_.push_back({.begin = GUST_TRY(map_stacks(count)), .first = 0, .count = count});
  return threads;
}

Result<void> Threads::grow(std::uint32_t wanted) {
  if (wanted <= count()) return {};
  const std::uint32_t more = wanted - count();
  stacks_.push_back({.begin = GUST_TRY(map_stacks(more)), .first = count(), .count = more});
  return {};
}

Result<void> Threads::make_ahead() {
  GUST_CHECK(ahead_->waiting.empty(), "threads are made ahead once");
  for (std::uint32_t index = 0; index < count(); ++index) {
    Waiting& waiting = ahead_->waiting.emplace_back(*ahead_, signal_stack(index));
    GUST_TRY_VOID(create(index, {&Threads::wait, &waiting}));
  }
  return {};
}

void* Threads::wait(void* argument) {
  touch_stack<std::size_t{8} << 10>();
  touch_heap(64);
  const auto& waiting = *static_cast<const Waiting*>(argument);
  use_signal_stack(waiting.signal_stack);
  Ahead& ahead = waiting.ahead;
  while (true) {
    const std::uint32_t ready = ahead.ready.load(std::memory_order_acquire);
    std::uint32_t next = ahead.taken.load(std::memory_order_relaxed);
    while (next < ready) {
      if (!ahead.taken.compare_exchange_weak(next, next + 1, std::memory_order_relaxed)) continue;
      const Task& task = ahead.tasks[next];
      return task.function(task.argument);
    }
    ::syscall(SYS_futex, &ahead.ready, FUTEX_WAIT_PRIVATE, ready, nullptr, nullptr, 0);
  }
}

std::span<std::byte> Threads::missing_signal_stack(std::uint32_t index) const {
  return index < ahead_->waiting.size() ? std::span<std::byte>() : signal_stack(index);
}

std::span<std::byte> Threads::signal_stack(std::uint32_t index) const {
  GUST_CHECK(index < count(), "a thread that was reserved");
  const Stacks& stacks = index < stacks_.front().count ? stacks_.front() : stacks_.back();
  return {stacks.begin + (index - stacks.first) * kWorkerStackBytes, kSignalStackBytes};
}

Result<void> Threads::start(std::vector<Task> tasks) {
  GUST_CHECK(tasks.size() <= count(), "threads are reserved for all tasks");
  const auto all = static_cast<std::uint32_t>(tasks.size());
  const std::uint32_t waiting = std::min(all, static_cast<std::uint32_t>(ahead_->waiting.size()));
  ahead_->tasks = std::move(tasks);
  if (waiting > 0) {
    ahead_->ready.store(waiting, std::memory_order_release);
    ::syscall(SYS_futex, &ahead_->ready, FUTEX_WAKE_PRIVATE, waiting, nullptr, nullptr, 0);
  }
  for (std::uint32_t index = waiting; index < all; ++index) GUST_TRY_VOID(create(index, ahead_->tasks[index]));
  return {};
}

Result<void> Threads::create(std::uint32_t index, const Task& task) const {
  constexpr std::size_t kBelow = kSignalStackBytes + kGuardBytes;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstack(&attributes, signal_stack(index).data() + kBelow, kWorkerStackBytes - kBelow);
  pthread_t thread{};
  const int error = pthread_create(&thread, &attributes, task.function, task.argument);
  pthread_attr_destroy(&attributes);
  if (error == 0) return {};
  return fail(ErrorCode::kInternal, "thread " + std::to_string(index + 1) + " of " + std::to_string(count()) +
                                        " could not be created: " + std::strerror(error) +
                                        "; raise the limit of processes or memory, or use a smaller granularity");
}

}  // namespace gust::pack
