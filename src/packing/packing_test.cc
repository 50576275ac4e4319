#include "packing/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <initializer_list>
#include <utility>
#include <vector>

namespace gust::packing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Bytes kPackMemory = Bytes::mb(256);

/// Empty invokers, numbered from 0, with plenty of memory.
std::vector<Capacity> invokers_with(std::initializer_list<std::uint32_t> slots, Bytes memory = Bytes::mb(1 << 20)) {
  std::vector<Capacity> result;
  for (const auto each : slots) {
    const InvokerId id(static_cast<std::uint32_t>(result.size()));
    result.push_back({id, each, memory, each, memory});
  }
  return result;
}

std::vector<Capacity> cluster(std::uint32_t invokers, std::uint32_t slots, Bytes memory = Bytes::mb(1 << 20)) {
  std::vector<Capacity> result;
  for (std::uint32_t i = 0; i < invokers; ++i) result.push_back({InvokerId(i), slots, memory, slots, memory});
  return result;
}

Demand heterogeneous(std::uint32_t n, Bytes memory = kPackMemory) { return {n, Strategy::kHeterogeneous, 0, memory}; }
Demand homogeneous(std::uint32_t n, std::uint32_t g, Bytes memory = kPackMemory) {
  return {n, Strategy::kHomogeneous, g, memory};
}
Demand mixed(std::uint32_t n, std::uint32_t g, Bytes memory = kPackMemory) { return {n, Strategy::kMixed, g, memory}; }

/// (invoker, workers) of each pack.
std::vector<std::pair<std::uint32_t, std::uint32_t>> shape(const Result<Plan>& plan) {
  EXPECT_TRUE(plan) << plan.error().message;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> result;
  if (!plan) return result;
  for (const auto& pack : *plan) result.emplace_back(pack.invoker.value(), pack.workers.count);
  return result;
}

void expect_error(const Result<Plan>& plan, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, code);
  EXPECT_EQ(plan.error().message, message);
}

TEST(Heterogeneous, TakesTheLargestFirstAndTheRestWhereItIsTightest) {
  EXPECT_THAT(shape(plan(heterogeneous(58), invokers_with({10, 48, 20, 48}))),
              ElementsAre(std::pair(1, 48), std::pair(0, 10)));
}

TEST(Heterogeneous, SmallBurstGoesWhereLargeInvokersStayWhole) {
  EXPECT_THAT(shape(plan(heterogeneous(3), invokers_with({48, 4, 8}))), ElementsAre(std::pair(1, 3)));
}

TEST(Heterogeneous, UsesTheWholeCluster) {
  const auto result = plan(heterogeneous(960), cluster(20, 48));
  EXPECT_EQ(shape(result), (shape(plan(homogeneous(960, 48), cluster(20, 48)))));
  EXPECT_EQ(result->size(), 20);
}

TEST(Heterogeneous, SkipsInvokersWithoutTheMemory) {
  auto invokers = invokers_with({48, 10});
  invokers[0].free_memory = Bytes::mb(255);
  EXPECT_THAT(shape(plan(heterogeneous(10), invokers)), ElementsAre(std::pair(1, 10)));
  expect_error(plan(heterogeneous(11), invokers), ErrorCode::kBusy,
               "burst of 11 workers needs 11 slots on invokers with 256 MB of memory for a pack; 1 of the cluster's 2 "
               "invokers has that now, with 10 slots: 1 short");
}

TEST(Homogeneous, OnePackAnInvokerWhenGranularityIsItsSlots) {
  const auto result = plan(homogeneous(960, 48), cluster(20, 48));
  const auto packs = shape(result);
  ASSERT_EQ(packs.size(), 20);
  for (std::uint32_t i = 0; i < 20; ++i) EXPECT_EQ(packs[i], std::pair(i, 48U));
}

TEST(Homogeneous, SpreadsToWhereMostRoomIsLeft) {
  EXPECT_THAT(shape(plan(homogeneous(4, 1), invokers_with({2, 5, 3}))),
              ElementsAre(std::pair(1, 1), std::pair(1, 1), std::pair(1, 1), std::pair(2, 1)));
}

TEST(Homogeneous, LastPackIsSmaller) {
  EXPECT_THAT(shape(plan(homogeneous(25, 10), cluster(3, 48))),
              ElementsAre(std::pair(0, 10), std::pair(1, 10), std::pair(2, 5)));
}

TEST(Homogeneous, SmallerLastPackUsesTheGapBesideFullOnes) {
  EXPECT_THAT(shape(plan(homogeneous(45, 10), invokers_with({25, 20}))),
              ElementsAre(std::pair(1, 10), std::pair(1, 10), std::pair(0, 10), std::pair(0, 10), std::pair(0, 5)));
  expect_error(plan(homogeneous(46, 10), invokers_with({25, 21})), ErrorCode::kNeverFits,
               "burst of 46 workers needs 5 packs of up to 10 workers; the cluster's 2 invokers have room for at most "
               "4 of these: 1 short; lower the granularity or add invokers");
}

TEST(Homogeneous, EveryContainerTakesItsMemory) {
  const auto invokers = cluster(2, 48, Bytes::mb(1024));
  EXPECT_THAT(shape(plan(homogeneous(8, 1), invokers)), testing::SizeIs(8));
  expect_error(plan(homogeneous(9, 1), invokers), ErrorCode::kNeverFits,
               "burst of 9 workers needs 9 packs of 1 worker of 256 MB each; the cluster's 2 invokers hold at most 8 "
               "of these: 1 short; lower limits.memory or add invokers");
  EXPECT_EQ(plan(homogeneous(96, 1, Bytes(0)), invokers)->size(), 96);
}

TEST(Homogeneous, HugeMemoryDoesNotOverflow) {
  const auto huge = Bytes(std::uint64_t{1} << 63);
  expect_error(plan(homogeneous(2, 1, huge), invokers_with({4}, huge)), ErrorCode::kNeverFits,
               "burst of 2 workers needs 2 packs of 1 worker of 8388608 TB each; the cluster's 1 invoker holds at most "
               "1 of these: 1 short; lower limits.memory or add invokers");
  EXPECT_EQ(least_need(homogeneous(2, 1, huge)).memory, Bytes(UINT64_MAX));
}

TEST(Mixed, JoinsWhatLandsOnOneInvoker) {
  EXPECT_THAT(shape(plan(mixed(960, 12), cluster(20, 48))), testing::SizeIs(20));
  EXPECT_THAT(shape(plan(mixed(100, 12), cluster(20, 50))),
              ElementsAre(std::pair(0, 48), std::pair(1, 48), std::pair(2, 4)));
}

TEST(Mixed, SmallerLastPackSavesAContainerInAGapOfAnyInvoker) {
  EXPECT_THAT(shape(plan(mixed(45, 10), invokers_with({48, 48}))), ElementsAre(std::pair(0, 45)));
  EXPECT_THAT(shape(plan(mixed(65, 10), invokers_with({45, 20, 10}))), ElementsAre(std::pair(1, 20), std::pair(0, 45)));
}

TEST(Mixed, JoinedContainerTakesItsMemoryOnce) {
  EXPECT_THAT(shape(plan(mixed(48, 1), cluster(1, 48, Bytes::mb(256)))), ElementsAre(std::pair(0, 48)));
  EXPECT_EQ(plan(homogeneous(48, 1), cluster(1, 48, Bytes::mb(256))).error().code, ErrorCode::kNeverFits);
}

TEST(BadInput, SaysWhatWouldBeRight) {
  const auto invokers = cluster(20, 48, Bytes::mb(2048));
  expect_error(plan(heterogeneous(0), invokers), ErrorCode::kInvalid,
               "burst size is 0; a flare needs at least 1 worker: give one entry of params a worker");
  for (const auto& demand : {homogeneous(4, 0), mixed(4, 0)}) {
    expect_error(plan(demand, invokers), ErrorCode::kInvalid,
                 "granularity is 0; give at least 1 worker a pack, or leave it out for packs as big as what is free");
  }
  expect_error(plan(heterogeneous(1), {}), ErrorCode::kUnavailable,
               "no invoker has joined; start one with `gust invoker`");
}

TEST(NeverFits, NamesTheResourceAndTheShortfall) {
  const auto invokers = cluster(20, 48, Bytes::mb(2048));
  for (const auto& demand : {heterogeneous(961), homogeneous(961, 48), mixed(961, 48)}) {
    expect_error(plan(demand, invokers), ErrorCode::kNeverFits,
                 "burst of 961 workers needs 961 slots; the cluster's 20 invokers have 960: 1 short; use fewer workers "
                 "or add invokers");
  }
  for (const auto n : {1U, 49U, 960U}) {
    for (const auto& demand : {homogeneous(n, 49), mixed(n, 49)}) {
      expect_error(plan(demand, invokers), ErrorCode::kNeverFits,
                   "granularity 49 is larger than any invoker: the largest has 48 slots; lower the granularity");
    }
  }
  for (const auto& demand :
       {heterogeneous(1, Bytes::mb(4096)), homogeneous(1, 1, Bytes::mb(4096)), mixed(1, 1, Bytes::mb(4096))}) {
    expect_error(plan(demand, invokers), ErrorCode::kNeverFits,
                 "pack memory 4 GB is larger than any invoker: the largest has 2 GB; lower limits.memory or add larger "
                 "invokers");
  }
  expect_error(plan(homogeneous(960, 1, Bytes::mb(512)), invokers), ErrorCode::kNeverFits,
               "burst of 960 workers needs 960 packs of 1 worker of 512 MB each; the cluster's 20 invokers hold at "
               "most 80 of these: 880 short; lower limits.memory or add invokers");
  EXPECT_THAT(
      plan(mixed(900, 30), invokers).error().message,
      HasSubstr("needs 30 packs of 30 workers; the cluster's 20 invokers have room for at most 20 of these: 10 short"));
}

TEST(Busy, SaysWhatIsShortNow) {
  auto invokers = cluster(2, 48, Bytes::mb(2048));
  invokers[0].free_slots = 10;
  expect_error(plan(heterogeneous(96), invokers), ErrorCode::kBusy,
               "burst of 96 workers needs 96 slots; 58 of 96 are free: 38 short");
  expect_error(plan(homogeneous(58, 20), invokers), ErrorCode::kBusy,
               "burst of 58 workers needs 3 packs of up to 20 workers; the cluster's 2 invokers have room for at most "
               "2 of these now: 1 short");
  expect_error(plan(mixed(96, 48), cluster(2, 48, Bytes::mb(100))), ErrorCode::kNeverFits,
               "pack memory 256 MB is larger than any invoker: the largest has 100 MB; lower limits.memory or add "
               "larger invokers");
  invokers[0].free_memory = invokers[1].free_memory = Bytes::mb(100);
  expect_error(plan(homogeneous(2, 1), invokers), ErrorCode::kBusy,
               "no invoker has 256 MB of memory free for a pack; the most is 100 MB");
}

TEST(FitsWhenEmpty, LooksPastWhatIsTaken) {
  auto invokers = cluster(2, 48);
  invokers[0].free_slots = 0;
  EXPECT_EQ(plan(heterogeneous(96), invokers).error().code, ErrorCode::kBusy);
  EXPECT_TRUE(fits_when_empty(heterogeneous(96), invokers));
  EXPECT_EQ(fits_when_empty(heterogeneous(97), invokers).error().code, ErrorCode::kNeverFits);
}

TEST(LeastNeed, CountsOneContainerAPackOnlyWhenNoneAreJoined) {
  EXPECT_EQ(least_need(homogeneous(25, 10)).memory, kPackMemory * 3);
  EXPECT_EQ(least_need(mixed(25, 10)).memory, kPackMemory);
  EXPECT_EQ(least_need(heterogeneous(25)).memory, kPackMemory);
  EXPECT_EQ(least_need(heterogeneous(25)).slots, 25);
}

}  // namespace
}  // namespace gust::packing
