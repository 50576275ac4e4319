#include "pack/threads.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <linux/futex.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/check.h"

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
  GUST_CHECK(ahead_count_ == 0, "threads are made ahead once");
  ahead_ = std::make_unique<Waiting[]>(count());
  for (; ahead_count_ < count(); ++ahead_count_)
    GUST_TRY_VOID(create(ahead_count_, &Threads::wait, &ahead_[ahead_count_]));
  return {};
}

void* Threads::wait(void* argument) {
  auto& waiting = *static_cast<Waiting*>(argument);
  while (waiting.released.load(std::memory_order_acquire) == 0) {
    ::syscall(SYS_futex, &waiting.released, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  }
  return waiting.function(waiting.argument);
}

std::span<std::byte> Threads::signal_stack(std::uint32_t index) const {
  GUST_CHECK(index < count(), "a thread that was reserved");
  const Stacks& stacks = index < stacks_.front().count ? stacks_.front() : stacks_.back();
  return {stacks.begin + (index - stacks.first) * kWorkerStackBytes, kSignalStackBytes};
}

Result<void> Threads::start(std::uint32_t index, void* (*function)(void*), void* argument) {
  if (index >= ahead_count_) return create(index, function, argument);
  Waiting& waiting = ahead_[index];
  waiting.function = function;
  waiting.argument = argument;
  waiting.released.store(1, std::memory_order_release);
  ::syscall(SYS_futex, &waiting.released, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  return {};
}

Result<void> Threads::create(std::uint32_t index, void* (*function)(void*), void* argument) const {
  constexpr std::size_t kBelow = kSignalStackBytes + kGuardBytes;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstack(&attributes, signal_stack(index).data() + kBelow, kWorkerStackBytes - kBelow);
  pthread_t thread{};
  const int error = pthread_create(&thread, &attributes, function, argument);
  pthread_attr_destroy(&attributes);
  if (error == 0) return {};
  return fail(ErrorCode::kInternal, "thread " + std::to_string(index + 1) + " of " + std::to_string(count()) +
                                        " could not be created: " + std::strerror(error) +
                                        "; raise the limit of processes or memory, or use a smaller granularity");
}

}  // namespace gust::pack
