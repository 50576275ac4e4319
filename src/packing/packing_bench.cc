// Planning at the size of a large cluster. Every plan is verified; what is printed beside the time:
//   floor_x    the time as a multiple of writing a plan of that many packs and nothing else, in the same run
//   budget_x   the time as a part of the budget of 1 s
#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cmath>
#include <optional>
#include <vector>

#include "base/check.h"
#include "packing/packing.h"

namespace gust::packing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kSlots = 50;  // an invoker; 20,000 of them hold 1,000,000 workers
constexpr double kBudgetSeconds = 1;

std::vector<Capacity> cluster(std::uint32_t invokers) {
  std::vector<Capacity> result;
  for (std::uint32_t i = 0; i < invokers; ++i) {
    // Different sizes that add up to kSlots an invoker, so that there is something to choose; all multiples of 10.
    const auto slots = kSlots + (i % 2 == 0 ? 10 : -10) * static_cast<int>(i / 2 % 3);
    const auto memory = Bytes::mb(128) * slots;
    result.push_back({InvokerId(i), slots, memory, slots, memory});
  }
  return result;
}

void verify(const Plan& plan, std::span<const Capacity> invokers, const Demand& demand) {
  std::vector<std::uint32_t> slots(invokers.size());
  std::vector<std::uint64_t> memory(invokers.size());
  std::uint32_t next = 0;
  for (const auto& pack : plan) {
    GUST_CHECK(pack.workers.first == WorkerId(next) && pack.workers.count > 0, "packs are contiguous");
    next = pack.workers.end();
    slots.at(pack.invoker.value()) += pack.workers.count;
    memory.at(pack.invoker.value()) += demand.memory_per_pack.count();
  }
  GUST_CHECK(next == demand.burst_size, "every worker is placed");
  for (std::size_t i = 0; i < invokers.size(); ++i) {
    GUST_CHECK(slots[i] <= invokers[i].free_slots, "slots are not exceeded");
    GUST_CHECK(Bytes(memory[i]) <= invokers[i].free_memory, "memory is not exceeded");
  }
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double percentile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size()))))];
}

double p99(const std::vector<double>& values) { return percentile(values, 0.99); }

double median_write_seconds(std::size_t packs) {
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) {
    const auto start = Clock::now();
    Plan plan;
    plan.reserve(packs);
    for (std::uint32_t pack = 0; pack < packs; ++pack) plan.push_back({InvokerId(pack), {WorkerId(pack), 1}});
    benchmark::DoNotOptimize(plan.data());
    benchmark::ClobberMemory();
    times.push_back(seconds_since(start));
  }
  return percentile(times, 0.5);
}

double timed_plan(const Demand& demand, std::span<const Capacity> invokers, std::optional<Plan>& result) {
  const auto start = Clock::now();
  auto planned = plan(demand, invokers);
  const auto seconds = seconds_since(start);
  GUST_CHECK(planned.has_value(), planned.error().message.c_str());
  result = std::move(*planned);
  return seconds;
}

/// Arguments: strategy, granularity, workers; one invoker for each kSlots workers.
void plan_a_full_cluster(benchmark::State& state) {
  const auto workers = static_cast<std::uint32_t>(state.range(2));
  const auto invokers = cluster(workers / kSlots);
  std::uint64_t slots = 0;
  for (const auto& each : invokers) slots += each.free_slots;
  const Demand demand{.burst_size = static_cast<std::uint32_t>(std::min<std::uint64_t>(workers, slots)),
                      .strategy = static_cast<Strategy>(state.range(0)),
                      .granularity = static_cast<std::uint32_t>(state.range(1)),
                      .memory_per_pack = Bytes::mb(128)};

  std::optional<Plan> result;
  timed_plan(demand, invokers, result);
  verify(*result, invokers, demand);
  const auto floor = median_write_seconds(result->size());
  double sum = 0;
  for (auto _ : state) {
    const auto seconds = timed_plan(demand, invokers, result);
    state.SetIterationTime(seconds);
    sum += seconds;
  }
  verify(*result, invokers, demand);
  const auto mean = sum / static_cast<double>(state.iterations());
  if (mean > kBudgetSeconds) state.SkipWithError("over the budget of 1 s");
  state.counters["packs"] = static_cast<double>(result->size());
  state.counters["floor_x"] = mean / floor;
  state.counters["budget_x"] = mean / kBudgetSeconds;
}

void all_shapes(benchmark::internal::Benchmark* benchmark) {
  for (const auto workers : {100'000, 1'000'000}) {  // ten times the work: the times show whether it is linear
    benchmark->Args({static_cast<int>(Strategy::kHeterogeneous), 0, workers});
    for (const auto strategy : {Strategy::kHomogeneous, Strategy::kMixed}) {
      for (const auto granularity : {1, 2, 5, 10}) benchmark->Args({static_cast<int>(strategy), granularity, workers});
    }
  }
}
BENCHMARK(plan_a_full_cluster)
    ->ArgNames({"strategy", "g", "workers"})
    ->Apply(all_shapes)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(0.05)
    ->Repetitions(9)
    ->ComputeStatistics("p99", p99)
    ->ReportAggregatesOnly();

/// One worker, as in functions-as-a-service: what each invocation costs the controller. Arguments: strategy, invokers.
void plan_one_worker(benchmark::State& state) {
  const auto invokers = cluster(static_cast<std::uint32_t>(state.range(1)));
  const Demand demand{.burst_size = 1,
                      .strategy = static_cast<Strategy>(state.range(0)),
                      .granularity = 1,
                      .memory_per_pack = Bytes::mb(128)};
  std::optional<Plan> result;
  for (auto _ : state) state.SetIterationTime(timed_plan(demand, invokers, result));
  verify(*result, invokers, demand);
}
BENCHMARK(plan_one_worker)
    ->ArgNames({"strategy", "invokers"})
    ->ArgsProduct({{0, 1, 2}, {20, 20'000}})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond)
    ->MinTime(0.02)
    ->Repetitions(9)
    ->ComputeStatistics("p99", p99)
    ->ReportAggregatesOnly();

}  // namespace
}  // namespace gust::packing
