// What admission costs the controller: submitting and releasing flares, with and without a queue. `floor_x` is the time
// as a multiple of packing::plan() alone for the same flare, in the same run.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <vector>

#include "base/check.h"
#include "scheduler/scheduler.h"

namespace gust::scheduler {
namespace {

using packing::Demand;
using packing::Strategy;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kSlots = 48;
constexpr Bytes kInvokerMemory = Bytes::mb(128) * kSlots;
constexpr Bytes kPackMemory = Bytes::mb(128);
constexpr Moment kNow = std::chrono::hours(1);

FlareId flare(unsigned number) { return FlareId(fmt::format("{:032x}", number)); }

Scheduler cluster(std::uint32_t invokers) {
  Scheduler scheduler;
  for (std::uint32_t i = 0; i < invokers; ++i) {
    GUST_CHECK(scheduler.add_invoker(InvokerId(i), kSlots, kInvokerMemory).has_value(), "the invoker joins");
  }
  return scheduler;
}

Job job(unsigned number, const Demand& demand) {
  return {.flare = flare(number),
          .namespace_name = "guest",
          .demand = demand,
          .time_limit = std::chrono::minutes(1),
          .priority = 0};
}

Demand demand(std::uint32_t workers, std::uint32_t granularity) {
  return {.burst_size = workers,
          .strategy = granularity == 0 ? Strategy::kHeterogeneous : Strategy::kHomogeneous,
          .granularity = granularity,
          .memory_per_pack = kPackMemory};
}

void expect_all_free(const Scheduler& scheduler) {
  GUST_CHECK(scheduler.totals().slots_free == scheduler.totals().slots_total, "all slots are free again");
  GUST_CHECK(scheduler.totals().memory_free == scheduler.totals().memory_total, "all memory is free again");
  GUST_CHECK(scheduler.running() == 0 && scheduler.queued() == 0, "nothing runs or waits");
}

double median_plan_seconds(const Demand& demand, const Scheduler& scheduler) {
  std::vector<double> times;
  for (int i = 0; i < 101; ++i) {
    const auto start = Clock::now();
    auto plan = packing::plan(demand, scheduler.invokers());
    benchmark::DoNotOptimize(plan);
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::ranges::nth_element(times, times.begin() + 50);
  return times[50];
}

double p99(const std::vector<double>& values) {
  auto sorted = values;
  std::ranges::sort(sorted);
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(std::ceil(0.99 * static_cast<double>(sorted.size()))))];
}

/// Arguments: invokers, workers, granularity (0: heterogeneous).
void submit_and_release(benchmark::State& state) {
  auto scheduler = cluster(static_cast<std::uint32_t>(state.range(0)));
  const auto wanted = demand(static_cast<std::uint32_t>(state.range(1)), static_cast<std::uint32_t>(state.range(2)));
  const auto floor = median_plan_seconds(wanted, scheduler);
  const auto flare_job = job(1, wanted);
  const auto start = Clock::now();
  for (auto _ : state) {
    const auto admission = scheduler.submit(flare_job, kNow);
    GUST_CHECK(admission && *admission, "the flare is placed");
    scheduler.release(flare_job.flare, kNow);
    benchmark::DoNotOptimize(scheduler.admit(kNow));
  }
  const auto seconds =
      std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(state.iterations());
  state.counters["floor_x"] = seconds / floor;
  expect_all_free(scheduler);
}
BENCHMARK(submit_and_release)
    ->ArgNames({"invokers", "workers", "g"})
    ->Args({20, 1, 1})
    ->Args({20, 960, 48})
    ->Args({20, 960, 1})
    ->Args({20, 960, 0})
    ->Args({20'000, 1, 1})
    ->Args({20'000, 1, 0})
    ->Args({20'000, 960, 48})
    ->Args({20'000, 960'000, 48})
    ->Args({20'000, 960'000, 1})
    ->Unit(benchmark::kMicrosecond)
    ->MinTime(0.05)
    ->Repetitions(9)
    ->ComputeStatistics("p99", p99)
    ->ReportAggregatesOnly();

/// A full cluster whose flare ends pack by pack, with an admission after each, while a queue waits for all of it.
/// Time for one pack. Arguments: invokers, workers (of one pack each), waiting flares.
void release_pack_by_pack_under_a_queue(benchmark::State& state) {
  auto scheduler = cluster(static_cast<std::uint32_t>(state.range(0)));
  const auto workers = static_cast<std::uint32_t>(state.range(1));
  const auto waiting = static_cast<unsigned>(state.range(2));
  const auto all = demand(static_cast<std::uint32_t>(scheduler.totals().slots_total), 1);
  for (auto _ : state) {
    state.PauseTiming();
    GUST_CHECK(scheduler.submit(job(0, all), kNow).has_value(), "the first takes all");
    for (unsigned i = 1; i <= waiting; ++i)
      GUST_CHECK(scheduler.submit(job(i, all), kNow).has_value(), "there is room");
    state.ResumeTiming();
    for (std::uint32_t pack = 0; pack < workers; ++pack) {
      scheduler.release_pack(flare(0), PackId(pack), kNow);
      benchmark::DoNotOptimize(scheduler.admit(kNow));
    }
    state.PauseTiming();
    GUST_CHECK(scheduler.queued() == waiting || workers == all.burst_size, "nobody starts before all is free");
    for (unsigned i = 0; i <= waiting; ++i) {
      if (!scheduler.cancel(flare(i))) scheduler.release(flare(i), kNow);
    }
    expect_all_free(scheduler);
    state.ResumeTiming();
  }
  state.counters["per_pack"] = benchmark::Counter(
      static_cast<double>(workers), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(release_pack_by_pack_under_a_queue)
    ->ArgNames({"invokers", "workers", "waiting"})
    ->Args({20, 960, 100})
    ->Args({20'000, 10'000, 100})
    ->Unit(benchmark::kMicrosecond)
    ->MinTime(0.05)
    ->Repetitions(5)
    ->ReportAggregatesOnly();

/// Single workers that queue up and pass through a full cluster: one ends, the next starts, one more is submitted.
/// Arguments: invokers, waiting flares.
void pass_through_a_queue(benchmark::State& state) {
  auto scheduler = cluster(static_cast<std::uint32_t>(state.range(0)));
  const auto slots = static_cast<unsigned>(scheduler.totals().slots_total);
  const auto waiting = static_cast<unsigned>(state.range(1));
  GUST_CHECK(scheduler.submit(job(0, demand(slots - 1, kSlots)), kNow).has_value(), "all but one slot are taken");
  const auto one = demand(1, 1);
  unsigned first = 1;
  unsigned next = 1;
  for (; next <= waiting + 1; ++next) GUST_CHECK(scheduler.submit(job(next, one), kNow).has_value(), "there is room");
  for (auto _ : state) {
    scheduler.release(flare(first), kNow);
    const auto starts = scheduler.admit(kNow);
    GUST_CHECK(starts.size() == 1 && starts[0].flare == flare(++first), "the next in order starts");
    GUST_CHECK(scheduler.submit(job(next++, one), kNow).has_value(), "there is room");
  }
}
BENCHMARK(pass_through_a_queue)
    ->ArgNames({"invokers", "waiting"})
    ->Args({20, 5000})
    ->Args({20'000, 5000})
    ->Unit(benchmark::kMicrosecond)
    ->MinTime(0.05)
    ->Repetitions(9)
    ->ComputeStatistics("p99", p99)
    ->ReportAggregatesOnly();

/// An invoker that leaves: every queued flare is tested against what is left. Arguments: invokers, waiting flares.
void lose_an_invoker(benchmark::State& state) {
  auto scheduler = cluster(static_cast<std::uint32_t>(state.range(0)));
  const auto half = demand(static_cast<std::uint32_t>(scheduler.totals().slots_total / 2), 1);
  const auto all = demand(static_cast<std::uint32_t>(scheduler.totals().slots_total), kSlots);
  const InvokerId leaving(static_cast<std::uint32_t>(state.range(0)) - 1);
  GUST_CHECK(scheduler.submit(job(0, all), kNow).has_value(), "all is taken");
  for (unsigned i = 1; i <= state.range(1); ++i)
    GUST_CHECK(scheduler.submit(job(i, half), kNow).has_value(), "there is room");
  for (auto _ : state) {
    const auto loss = scheduler.remove_invoker(leaving, kNow);
    GUST_CHECK(loss.refused.empty(), "half of it all fits still");
    GUST_CHECK(scheduler.add_invoker(leaving, kSlots, kInvokerMemory).has_value(), "it joins again");
  }
}
BENCHMARK(lose_an_invoker)
    ->ArgNames({"invokers", "waiting"})
    ->Args({20, 1000})
    ->Args({20'000, 1000})
    ->Unit(benchmark::kMicrosecond)
    ->MinTime(0.05);

}  // namespace
}  // namespace gust::scheduler
