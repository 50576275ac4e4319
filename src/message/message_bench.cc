// The hand-over of a message between two threads that wait for each other, beside what two threads can do at all, in
// the same run: one word that both look at without a pause, and an eventfd of the kernel's each way.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <benchmark/benchmark.h>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

#include "message/hub.h"

namespace gust::message {
namespace {

using Clock = std::chrono::steady_clock;

// Medians of this run, for the ratios: benchmarks run in the order in which they are registered.
double one_word_median = 0;
double eventfd_median = 0;

// The time of each hand-over, half of a round trip, as user counters in microseconds; gives the median.
double report(benchmark::State& state, std::vector<double>& times) {
  if (times.empty()) return 0;
  std::ranges::sort(times);
  const auto at = [&](double part) { return times[static_cast<std::size_t>(part * double(times.size() - 1))]; };
  state.counters["median_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["spread_us"] = at(0.75) - at(0.25);  // between the quartiles
  return at(0.5);
}

// Binds the calling thread to the first or the second of the processors that it may run on: on one, two threads cannot
// wait for each other other than asleep.
void bind_to(int place) {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    ::sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &allowed) || place-- > 0) continue;
    CPU_SET(processor, &set);
    ::sched_setaffinity(0, sizeof set, &set);
    return;
  }
}

template <class RoundTrip>
double measure(benchmark::State& state, RoundTrip round_trip) {
  bind_to(0);
  constexpr int kWarmUp = 1000;
  for (int i = 0; i < kWarmUp; ++i) round_trip();
  std::vector<double> times;
  for (auto _ : state) {
    const auto begin = Clock::now();
    round_trip();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / 2);
  }
  return report(state, times);
}

void one_word(benchmark::State& state) {
  std::atomic<std::uint64_t> word = 0;
  std::jthread echo([&](const std::stop_token& stop) {
    bind_to(1);
    std::uint64_t next = 1;
    while (!stop.stop_requested()) {
      if (word.load(std::memory_order_acquire) == next) {
        word.store(next + 1, std::memory_order_release);
        next += 2;
      }
    }
  });
  std::uint64_t next = 1;
  one_word_median = measure(state, [&] {
    word.store(next, std::memory_order_release);
    while (word.load(std::memory_order_acquire) != next + 1) {
    }
    next += 2;
  });
}
BENCHMARK(one_word)->UseRealTime();

void eventfds(benchmark::State& state) {
  const int there = ::eventfd(0, EFD_CLOEXEC);
  const int back = ::eventfd(0, EFD_CLOEXEC);
  constexpr std::uint64_t kEnd = 2;
  std::jthread echo([&] {
    bind_to(1);
    std::uint64_t value = 0;
    while (::read(there, &value, sizeof value) == sizeof value && value != kEnd) {
      if (::write(back, &value, sizeof value) != sizeof value) return;
    }
  });
  eventfd_median = measure(state, [&] {
    std::uint64_t value = 1;
    if (::write(there, &value, sizeof value) != sizeof value || ::read(back, &value, sizeof value) != sizeof value) {
      state.SkipWithError("an eventfd failed");
    }
  });
  if (::write(there, &kEnd, sizeof kEnd) == sizeof kEnd) echo.join();
  ::close(there);
  ::close(back);
}
BENCHMARK(eventfds)->UseRealTime();

// The memory is handed back and forth, whatever its size.
void hand_over(benchmark::State& state) {
  Hub hub(Layout(2, {0}, PackId(0)), {}, nullptr);
  const Buffer data = Buffer::make(static_cast<std::size_t>(state.range(0)));
  const SteadyTime end = SteadyTime::max();
  std::jthread echo([&] {
    bind_to(1);
    while (auto received = hub.recv(WorkerId(1), WorkerId(0), end)) {
      static_cast<void>(hub.send(WorkerId(1), WorkerId(0), std::move(received->data), end));
    }
  });
  const double median = measure(state, [&] {
    static_cast<void>(hub.send(WorkerId(0), WorkerId(1), data, end));
    const auto received = hub.recv(WorkerId(0), WorkerId(1), end);
    if (!received || received->data.bytes().data() != data.bytes().data()) state.SkipWithError("copied");
  });
  if (eventfd_median > 0) state.counters["x_eventfd"] = median / eventfd_median;
  if (one_word_median > 0) state.counters["x_one_word"] = median / one_word_median;
  hub.abort({ErrorCode::kCancelled, "done"});
}
BENCHMARK(hand_over)->Arg(8)->Arg(1 << 20)->Arg(1 << 30)->UseRealTime();

}  // namespace
}  // namespace gust::message
