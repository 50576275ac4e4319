#include "pack/floor.h"

#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <vector>

#include "pack/threads.h"

namespace gust::pack {

namespace {

struct FloorThread {
  FloorHeader* header;
  FloorStamp* stamp;
};

// These futexes are not private: the other side is another process.

void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value, const timespec* timeout) {
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, timeout, nullptr, 0);
}

void wake_all(std::atomic<std::uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void wait_for_release(FloorHeader& header) {
  while (header.released.load(std::memory_order_acquire) == 0) wait_while(header.released, 0, nullptr);
}

void* run(void* argument) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto& thread = *static_cast<FloorThread*>(argument);
  *thread.stamp = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
  FloorHeader& header = *thread.header;
  if (header.started.fetch_add(1, std::memory_order_acq_rel) + 1 == header.entries) {
    wake_all(header.started);
  }
  wait_for_release(header);
  return nullptr;
}

bool wait_for(std::atomic<std::uint32_t>& word, std::uint32_t wanted, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const std::uint32_t now = word.load(std::memory_order_acquire);
    const auto left = end - std::chrono::steady_clock::now();
    if (now == wanted || left <= left.zero()) return now == wanted;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec wait{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
    wait_while(word, now, &wait);
  }
}

int refuse(const char* reason) {
  std::fprintf(stderr, "gust-pack: --floor: %s\n", reason);
  return 2;
}

}  // namespace

int run_floor(const FloorOptions& options) {
  struct stat info{};
  if (::fstat(options.stamps_fd, &info) != 0 || info.st_size < static_cast<off_t>(sizeof(FloorHeader))) {
    return refuse("--stamps must be the number of an open file of shared memory (pack/floor.h)");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, options.stamps_fd, 0);
  if (memory == MAP_FAILED) return refuse("the shared memory cannot be mapped");
  auto* header = static_cast<FloorHeader*>(memory);
  auto* stamps = reinterpret_cast<FloorStamp*>(header + 1);
  if (header->magic != kFloorMagic || floor_bytes(header->entries) > size || options.first > header->entries ||
      options.threads > header->entries - options.first) {
    return refuse("the shared memory has no room for these threads");
  }
  if (options.at_signal != 0) {
    header->waiting.fetch_add(1, std::memory_order_acq_rel);
    wake_all(header->waiting);
    while (header->signal.load(std::memory_order_acquire) == 0) wait_while(header->signal, 0, nullptr);
  }
  auto threads = Threads::reserve(options.threads);
  if (!threads) return refuse(threads.error().message.c_str());
  std::vector<FloorThread> arguments(options.threads);
  std::vector<Threads::Task> tasks(options.threads);
  for (std::uint32_t i = 0; i < options.threads; ++i) {
    arguments[i] = {header, stamps + options.first + i};
    tasks[i] = {run, &arguments[i]};
  }
  if (auto started = threads->start(std::move(tasks)); !started) return refuse(started.error().message.c_str());
  wait_for_release(*header);
  ::_exit(0);
}

bool wait_for_waiting(FloorHeader& header, std::uint32_t packs, std::chrono::milliseconds timeout) {
  return wait_for(header.waiting, packs, timeout);
}

void signal_floor(FloorHeader& header) {
  header.signal.store(1, std::memory_order_release);
  wake_all(header.signal);
}

// A start in between does not wake it: only the last one does.
bool wait_for_floor(FloorHeader& header, std::chrono::milliseconds timeout) {
  return wait_for(header.started, header.entries, timeout);
}

void release_floor(FloorHeader& header) {
  header.released.store(1, std::memory_order_release);
  wake_all(header.released);
}

}  // namespace gust::pack
