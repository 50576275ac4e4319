#include "message/signal.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "base/relax.h"

namespace gust::message {

namespace {

using namespace std::chrono_literals;

// About what a sleep and its wake-up cost together: looking for longer never pays.
constexpr auto kLookFor = 20us;
constexpr int kLooksBetweenClocks = 64;

// Threads that look at the same time, in the whole process: with more of them than processors, those that look would
// keep those from running that they are waiting for.
std::atomic<int> lookers = 0;

// Looking pays when the other thread runs at the same time. On a machine with other work it may not: it may even have
// been put on this thread's processor, where it runs when this one sleeps. So a thread that has looked in vain a few
// times sleeps at once, and looks again now and then.
constexpr int kInVainAtMost = 3;
constexpr int kLookAgainAfter = 16;
thread_local int in_vain = 0;

bool worth_looking() {
  if (in_vain < kInVainAtMost) return true;
  if (++in_vain < kInVainAtMost + kLookAgainAfter) return false;
  in_vain = kInVainAtMost;  // one more, if this is in vain, too
  return true;
}

// Asked before a thread of the user's has bound itself to one of them.
const int kProcessors = [] {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}();

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout) {
  return ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, 0);
}

}  // namespace

bool Signal::look(std::uint32_t seen) const {
  if (kProcessors == 1 || !worth_looking()) return false;
  bool changed = false;
  if (lookers.fetch_add(1, std::memory_order_relaxed) < kProcessors) {
    const auto end = std::chrono::steady_clock::now() + kLookFor;
    do {
      for (int i = 0; i < kLooksBetweenClocks && !changed; ++i) {
        changed = word_.load(std::memory_order_acquire) != seen;
        if (!changed) relax();
      }
    } while (!changed && std::chrono::steady_clock::now() < end);
  }
  lookers.fetch_sub(1, std::memory_order_relaxed);
  in_vain = changed ? 0 : std::min(in_vain + 1, kInVainAtMost);
  return changed;
}

void Signal::wait(std::uint32_t seen, SteadyTime deadline) {
  if (look(seen)) return;
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return;
  const auto left = std::min<std::chrono::nanoseconds>(deadline - now, 1h);
  const timespec timeout{.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  futex(word_, FUTEX_WAIT, seen, &timeout);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

void Signal::notify() {
  word_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0) futex(word_, FUTEX_WAKE, INT_MAX, nullptr);
}

}  // namespace gust::message
