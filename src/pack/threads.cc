#include "pack/threads.h"

#include <pthread.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/mman.h>

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

}  // namespace

Result<Threads> Threads::reserve(std::uint32_t count) {
  const std::size_t size = count * kWorkerStackBytes;
  void* stacks =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stacks == MAP_FAILED) {
    return fail(ErrorCode::kInternal, "no address space for the stacks of " + std::to_string(count) + " workers (" +
                                          std::to_string(size >> 20) + " MB): " + std::strerror(errno));
  }
  // Where huge pages are given unasked, the first touch of each stack would clear 2 MiB.
  ::madvise(stacks, size, MADV_NOHUGEPAGE);
  Threads threads(static_cast<std::byte*>(stacks), count);
  for (std::uint32_t index = 0; index < count; ++index) {
    if (!make_guard(threads.signal_stack(index).data() + kSignalStackBytes)) {
      return fail_errno("protect the end of a worker's stack", errno);
    }
  }
  return threads;
}

std::span<std::byte> Threads::signal_stack(std::uint32_t index) const {
  GUST_CHECK(index < count_, "a thread that was reserved");
  return {stacks_ + index * kWorkerStackBytes, kSignalStackBytes};
}

Result<void> Threads::start(std::uint32_t index, void* (*function)(void*), void* argument) {
  constexpr std::size_t kBelow = kSignalStackBytes + kGuardBytes;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstack(&attributes, signal_stack(index).data() + kBelow, kWorkerStackBytes - kBelow);
  pthread_t thread{};
  const int error = pthread_create(&thread, &attributes, function, argument);
  pthread_attr_destroy(&attributes);
  if (error == 0) return {};
  return fail(ErrorCode::kInternal, "thread " + std::to_string(index + 1) + " of " + std::to_string(count_) +
                                        " could not be created: " + std::strerror(error) +
                                        "; raise the limit of processes or memory, or use a smaller granularity");
}

}  // namespace gust::pack
