// The hand-over of a message between two threads that wait for each other, and what it is made of.
#include <benchmark/benchmark.h>
#include <thread>

#include "message/hub.h"

namespace gust::message {
namespace {

// Half of a round trip is one hand-over. The memory is handed back and forth, whatever its size.
void hand_over(benchmark::State& state) {
  Hub hub(Layout(2, {0}, PackId(0)), {}, nullptr);
  const Buffer data = Buffer::make(static_cast<std::size_t>(state.range(0)));
  const SteadyTime end = SteadyTime::max();
  std::jthread echo([&] {
    while (auto received = hub.recv(WorkerId(1), WorkerId(0), end)) {
      static_cast<void>(hub.send(WorkerId(1), WorkerId(0), std::move(received->data), end));
    }
  });
  for (auto _ : state) {
    static_cast<void>(hub.send(WorkerId(0), WorkerId(1), data, end));
    auto received = hub.recv(WorkerId(0), WorkerId(1), end);
    if (!received || received->data.bytes().data() != data.bytes().data()) state.SkipWithError("copied");
  }
  state.counters["hand-overs"] =
      benchmark::Counter(2, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  hub.abort({ErrorCode::kCancelled, "done"});
}
BENCHMARK(hand_over)->Arg(8)->Arg(1 << 30)->UseRealTime();

// The floor: one word that two threads change in turn.
void one_word(benchmark::State& state) {
  std::atomic<std::uint64_t> word = 0;
  std::jthread echo([&](const std::stop_token& stop) {
    std::uint64_t next = 1;
    while (!stop.stop_requested()) {
      if (word.load(std::memory_order_acquire) == next) {
        word.store(next + 1, std::memory_order_release);
        next += 2;
      }
    }
  });
  std::uint64_t next = 1;
  for (auto _ : state) {
    word.store(next, std::memory_order_release);
    while (word.load(std::memory_order_acquire) != next + 1) {
    }
    next += 2;
  }
}
BENCHMARK(one_word)->UseRealTime();

}  // namespace
}  // namespace gust::message
