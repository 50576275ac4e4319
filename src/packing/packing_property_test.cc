// Random small instances against an exhaustive search that shares nothing with the planner.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "packing/packing.h"

namespace gust::packing {
namespace {

constexpr int kInstances = 20'000;
constexpr Strategy kStrategies[] = {Strategy::kHeterogeneous, Strategy::kHomogeneous, Strategy::kMixed};

struct Instance {
  Demand demand;
  std::vector<Capacity> invokers;
};

Instance random_instance(std::mt19937& random) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  Instance result;
  const auto invokers = 1 + below(4);
  const auto most_slots = 1 + below(9);
  for (std::uint32_t i = 0; i < invokers; ++i) {
    const auto total_slots = below(most_slots + 1);
    const auto total_memory = below(8);
    result.invokers.push_back({.invoker = InvokerId(7 * i + 3),
                               .free_slots = below(total_slots + 1),
                               .free_memory = Bytes(below(total_memory + 1)),
                               .total_slots = total_slots,
                               .total_memory = Bytes(total_memory)});
  }
  result.demand = {.burst_size = 1 + below(24),
                   .strategy = kStrategies[below(3)],
                   .granularity = 1 + below(7),
                   .memory_per_pack = Bytes(below(4))};
  return result;
}

/// Tries every way to give invokers from `at` on their numbers of full packs and the smaller last pack; the fewest
/// containers, or nothing if there is no way.
struct Exhaustive {
  const Demand& demand;
  const std::vector<Capacity>& invokers;
  bool empty = false;  ///< as if nothing were taken

  std::optional<std::uint32_t> fewest() const {
    const auto size = demand.strategy == Strategy::kHeterogeneous ? 1 : demand.granularity;
    return search(0, demand.burst_size / size, demand.burst_size % size, size);
  }

  std::optional<std::uint32_t> search(std::size_t at, std::uint32_t full, std::uint32_t rest,
                                      std::uint32_t size) const {
    if (full == 0 && rest == 0) return 0;
    if (at == invokers.size()) return std::nullopt;
    const auto slots = empty ? invokers[at].total_slots : invokers[at].free_slots;
    const auto memory = empty ? invokers[at].total_memory : invokers[at].free_memory;
    std::optional<std::uint32_t> best;
    for (std::uint32_t here = 0; here <= full; ++here) {
      for (const auto rest_here : {0U, rest}) {
        const auto packs = here + (rest_here > 0 ? 1 : 0);
        const auto containers = demand.strategy == Strategy::kHomogeneous ? packs : std::min(packs, 1U);
        if (here * size + rest_here > slots || demand.memory_per_pack * containers > memory) continue;
        const auto others = search(at + 1, full - here, rest - rest_here, size);
        if (others) best = std::min(best.value_or(UINT32_MAX), *others + containers);
      }
    }
    return best;
  }
};

/// Places packs one by one as packing.h says it of homogeneous packing: how many each invoker gets.
std::vector<std::uint32_t> one_by_one(const Demand& demand, const std::vector<Capacity>& invokers) {
  std::vector<std::uint32_t> rooms;
  for (const auto& each : invokers) {
    std::uint32_t room = 0;
    while ((room + 1) * demand.granularity <= each.free_slots &&
           demand.memory_per_pack * (room + 1) <= each.free_memory)
      ++room;
    rooms.push_back(room);
  }
  std::vector<std::uint32_t> placed(rooms.size());
  for (std::uint32_t workers = 0; workers < demand.burst_size; workers += demand.granularity) {
    const auto roomiest = std::ranges::max_element(rooms);
    if (*roomiest == 0) return {};  // the last pack needs a gap beside full ones
    --*roomiest;
    ++placed[static_cast<std::size_t>(roomiest - rooms.begin())];
  }
  return placed;
}

void expect_sound(const Instance& instance, const Plan& plan) {
  std::uint32_t next = 0;
  std::map<InvokerId, std::uint32_t> workers_on;
  std::map<InvokerId, std::uint32_t> packs_on;
  std::optional<InvokerId> previous;
  for (const auto& pack : plan) {
    EXPECT_EQ(pack.workers.first, WorkerId(next));
    EXPECT_GT(pack.workers.count, 0);
    next = pack.workers.end();
    if (previous != pack.invoker) {
      EXPECT_EQ(packs_on.count(pack.invoker), 0) << "packs of an invoker are torn apart";
    }
    previous = pack.invoker;
    workers_on[pack.invoker] += pack.workers.count;
    ++packs_on[pack.invoker];
  }
  EXPECT_EQ(next, instance.demand.burst_size);

  std::size_t known = 0;
  for (const auto& invoker : instance.invokers) {
    if (packs_on.count(invoker.invoker) == 0) continue;
    ++known;
    EXPECT_LE(workers_on[invoker.invoker], invoker.free_slots);
    EXPECT_LE(instance.demand.memory_per_pack * packs_on[invoker.invoker], invoker.free_memory);
    if (instance.demand.strategy != Strategy::kHomogeneous) {
      EXPECT_EQ(packs_on[invoker.invoker], 1);
    }
  }
  EXPECT_EQ(known, packs_on.size()) << "a pack is on an invoker that was not given";

  const auto size = instance.demand.granularity;
  for (std::size_t i = 0; i + 1 < plan.size(); ++i) {
    if (instance.demand.strategy == Strategy::kHomogeneous) {
      EXPECT_EQ(plan[i].workers.count, size);
    }
    if (instance.demand.strategy == Strategy::kMixed) {
      EXPECT_EQ(plan[i].workers.count % size, 0);
    }
  }
  if (instance.demand.strategy == Strategy::kHomogeneous) {
    EXPECT_LE(plan.back().workers.count, size);
  }
}

void check(const Instance& instance) {
  const auto& [demand, invokers] = instance;
  const auto result = plan(demand, invokers);
  EXPECT_EQ(result.value_or(Plan()), plan(demand, invokers).value_or(Plan())) << "not deterministic";

  const auto largest = std::ranges::max(invokers, {}, &Capacity::total_slots).total_slots;
  const bool too_coarse = demand.strategy != Strategy::kHeterogeneous && demand.granularity > largest;
  const auto fewest = Exhaustive{demand, invokers}.fewest();
  const auto fewest_when_empty = Exhaustive{demand, invokers, true}.fewest();
  EXPECT_EQ(fits_when_empty(demand, invokers).has_value(), fewest_when_empty && !too_coarse);

  if (!fewest || too_coarse) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, fewest_when_empty && !too_coarse ? ErrorCode::kBusy : ErrorCode::kNeverFits)
        << result.error().message;
    return;
  }
  ASSERT_TRUE(result) << result.error().message;
  expect_sound(instance, *result);
  EXPECT_EQ(result->size(), *fewest);

  std::uint64_t slots = 0;
  Bytes memory;
  for (const auto& each : invokers) {
    slots += each.free_slots;
    memory += each.free_memory;
  }
  EXPECT_LE(least_need(demand).slots, slots);
  EXPECT_LE(least_need(demand).memory, memory);

  if (demand.strategy == Strategy::kHomogeneous) {
    auto joined = demand;
    joined.strategy = Strategy::kMixed;
    const auto mixed = plan(joined, invokers);
    ASSERT_TRUE(mixed) << mixed.error().message;
    EXPECT_LE(mixed->size(), result->size());

    const auto expected = one_by_one(demand, invokers);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(std::ranges::count(*result, invokers[i].invoker, &PlannedPack::invoker), expected[i]);
    }
  }
}

TEST(PackingProperties, RandomInstancesAgreeWithAnExhaustiveSearch) {
  const auto seed = std::random_device()();
  std::mt19937 random(seed);
  for (int i = 0; i < kInstances && !testing::Test::HasFailure(); ++i) {
    const auto instance = random_instance(random);
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", instance " << i);
    check(instance);
  }
}

}  // namespace
}  // namespace gust::packing
