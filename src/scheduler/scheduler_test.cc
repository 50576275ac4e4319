#include "scheduler/scheduler.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace gust::scheduler {
namespace {

using packing::Demand;
using packing::Strategy;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr Bytes kMemory = Bytes::mb(1024);
constexpr Bytes kPackMemory = Bytes::mb(256);

FlareId flare(unsigned number) { return FlareId(fmt::format("{:032x}", number)); }
Demand workers(std::uint32_t n) { return {n, Strategy::kHeterogeneous, 0, kPackMemory}; }
Demand packs(std::uint32_t n, std::uint32_t granularity) {
  return {n, Strategy::kHomogeneous, granularity, kPackMemory};
}

struct Wish {
  std::string namespace_name = "guest";
  Priority priority = 0;
  std::chrono::seconds time_limit{60};
};

/// A scheduler with a clock that stands still until it is moved.
struct Desk {
  Scheduler scheduler;
  Moment now = std::chrono::hours(1);

  Result<Admission> submit(const FlareId& flare, const Demand& demand, Wish wish = {}) {
    return scheduler.submit({.flare = flare,
                             .namespace_name = std::move(wish.namespace_name),
                             .demand = demand,
                             .time_limit = wish.time_limit,
                             .priority = wish.priority},
                            now);
  }
  auto admit() { return scheduler.admit(now); }
  void release(const FlareId& flare) { scheduler.release(flare, now); }
  void release_pack(const FlareId& flare, PackId pack) { scheduler.release_pack(flare, pack, now); }
  auto remove_invoker(InvokerId id) { return scheduler.remove_invoker(id, now); }
  auto place(const FlareId& flare) { return scheduler.place(flare, now); }
  auto queue(std::size_t limit = SIZE_MAX) { return scheduler.queue(now, limit); }
  auto cancel(const FlareId& flare) { return scheduler.cancel(flare); }
  auto add_invoker(InvokerId id, std::uint32_t slots, Bytes memory) { return scheduler.add_invoker(id, slots, memory); }
  [[nodiscard]] const Totals& totals() const { return scheduler.totals(); }
  [[nodiscard]] auto invokers() const { return scheduler.invokers(); }
  [[nodiscard]] auto running() const { return scheduler.running(); }
  [[nodiscard]] auto queued() const { return scheduler.queued(); }
};

Desk cluster(std::uint32_t invokers, std::uint32_t slots, Policy policy = {}) {
  Desk desk{.scheduler = Scheduler(std::move(policy))};
  for (std::uint32_t i = 0; i < invokers; ++i) EXPECT_TRUE(desk.add_invoker(InvokerId(i), slots, kMemory));
  return desk;
}

Policy limited_to(std::size_t flares) {
  Policy policy;
  policy.queue_limit = flares;
  return policy;
}

packing::Plan expect_placed(const Result<Admission>& admission) {
  EXPECT_TRUE(admission) << admission.error().message;
  EXPECT_TRUE(admission && *admission) << "queued";
  return admission && *admission ? **admission : packing::Plan();
}

void expect_waits(const Result<Admission>& admission) {
  ASSERT_TRUE(admission) << admission.error().message;
  EXPECT_FALSE(*admission) << "placed";
}

/// With a time limit that lets it pass nobody.
void expect_queued(Desk& desk, unsigned number, const Demand& demand, std::size_t position, const std::string& reason) {
  expect_waits(desk.submit(flare(number), demand, {.time_limit = 24h}));
  const auto place = desk.place(flare(number));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->position, position);
  EXPECT_EQ(place->reason, reason);
}

void expect_refused(const Result<Admission>& admission, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(admission);
  EXPECT_EQ(admission.error().code, code);
  EXPECT_EQ(admission.error().message, message);
}

std::vector<FlareId> admitted(Desk& scheduler) {
  std::vector<FlareId> result;
  for (const auto& start : scheduler.admit()) result.push_back(start.flare);
  return result;
}

TEST(Submit, ReservesAtOnceWhatFits) {
  auto scheduler = cluster(2, 4);
  const auto plan = expect_placed(scheduler.submit(flare(1), workers(6)));
  ASSERT_EQ(plan.size(), 2);
  EXPECT_EQ(scheduler.totals(), (Totals{2, 8, 2, Bytes::mb(2048), Bytes::mb(1536)}));
  EXPECT_EQ(scheduler.running(), 1);
  EXPECT_EQ(scheduler.queued(), 0);
  const auto invokers = scheduler.invokers();
  ASSERT_EQ(invokers.size(), 2);
  EXPECT_EQ(invokers[0].free_slots + invokers[1].free_slots, 2);
}

TEST(Submit, QueuesWhatDoesNotFitNowAndAllThatComesAfterIt) {
  auto scheduler = cluster(2, 4);
  expect_placed(scheduler.submit(flare(1), workers(6)));
  expect_queued(scheduler, 2, workers(8), 1, "burst of 8 workers needs 8 slots; 2 of 8 are free: 6 short");
  expect_queued(scheduler, 3, workers(1), 2, "1 flare is ahead of it");
  expect_queued(scheduler, 4, workers(1), 3, "2 flares are ahead of it");
  EXPECT_THAT(scheduler.admit(), IsEmpty());
  EXPECT_EQ(scheduler.totals().slots_free, 2);
}

TEST(Submit, RefusesAtOnceWhatNeverFits) {
  auto scheduler = cluster(2, 4);
  const auto message =
      "burst of 9 workers needs 9 slots; the cluster's 2 invokers have 8: 1 short; use fewer workers or "
      "add invokers";
  expect_refused(scheduler.submit(flare(1), workers(9)), ErrorCode::kNeverFits, message);
  expect_placed(scheduler.submit(flare(2), workers(8)));
  expect_queued(scheduler, 3, workers(8), 1, "burst of 8 workers needs 8 slots; 0 of 8 are free: 8 short");
  expect_refused(scheduler.submit(flare(4), workers(9)), ErrorCode::kNeverFits, message);
  EXPECT_EQ(scheduler.submit(flare(5), workers(0)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(scheduler.queued(), 1);
}

TEST(Submit, RefusesWithoutInvokers) {
  Desk scheduler;
  expect_refused(scheduler.submit(flare(1), workers(1)), ErrorCode::kUnavailable,
                 "no invoker has joined; start one with `gust invoker`");
}

TEST(Submit, RefusesAnIdThatIsInUse) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  expect_queued(scheduler, 2, workers(4), 1, "burst of 4 workers needs 4 slots; 0 of 4 are free: 4 short");
  expect_refused(scheduler.submit(flare(1), workers(1)), ErrorCode::kExists,
                 "flare " + flare(1).str() + " is running already; submit it under an id of its own");
  expect_refused(scheduler.submit(flare(2), workers(1)), ErrorCode::kExists,
                 "flare " + flare(2).str() + " is queued already; submit it under an id of its own");
}

TEST(Submit, QueueIsBounded) {
  auto scheduler = cluster(1, 4, limited_to(1));
  expect_placed(scheduler.submit(flare(1), workers(4)));
  EXPECT_TRUE(scheduler.submit(flare(2), workers(4)));
  expect_refused(scheduler.submit(flare(3), workers(4)), ErrorCode::kBusy,
                 "the queue is full (limit 1); submit again when flares have started, or raise the limit");
  EXPECT_TRUE(scheduler.cancel(flare(2)));
  EXPECT_TRUE(scheduler.submit(flare(3), workers(4)));
}

TEST(Release, StartsWaitingFlaresInOrder) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  for (const auto id : {2U, 3U, 4U, 5U}) {
    EXPECT_TRUE(scheduler.submit(flare(id), workers(id == 4 ? 3 : 2), {.time_limit = id * 60s}));
  }
  scheduler.release(flare(1));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(2), flare(3)));
  scheduler.release(flare(3));
  EXPECT_THAT(admitted(scheduler), IsEmpty()) << "5 would fit, but 4 came first";
  scheduler.release(flare(2));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(4)));
  scheduler.release(flare(4));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(5)));
}

TEST(Release, PackByPackFreesWhatEachTook) {
  auto scheduler = cluster(2, 4);
  const auto plan = expect_placed(scheduler.submit(flare(1), packs(7, 2)));
  ASSERT_EQ(plan.size(), 4);
  EXPECT_TRUE(scheduler.submit(flare(2), packs(3, 1)));
  scheduler.release_pack(flare(1), PackId(3));
  EXPECT_EQ(scheduler.totals().slots_free, 2);
  EXPECT_THAT(admitted(scheduler), IsEmpty());
  scheduler.release_pack(flare(1), PackId(3));
  EXPECT_EQ(scheduler.totals().slots_free, 2) << "a pack is released once";
  scheduler.release_pack(flare(1), PackId(0));
  const auto starts = scheduler.admit();
  ASSERT_EQ(starts.size(), 1);
  EXPECT_EQ(starts[0].flare, flare(2));
  EXPECT_EQ(starts[0].plan.size(), 3);

  scheduler.release_pack(flare(1), PackId(1));
  EXPECT_EQ(scheduler.running(), 2);
  scheduler.release_pack(flare(1), PackId(2));
  EXPECT_EQ(scheduler.running(), 1) << "the last pack ends the flare";
  scheduler.release(flare(1));
  scheduler.release_pack(flare(1), PackId(0));
  scheduler.release(flare(2));
  EXPECT_EQ(scheduler.totals(), (Totals{2, 8, 8, Bytes::mb(2048), Bytes::mb(2048)}));
}

TEST(Release, WaitsForMemoryToo) {
  auto scheduler = cluster(1, 8);  // memory for 4 packs
  expect_placed(scheduler.submit(flare(1), packs(4, 1)));
  expect_queued(scheduler, 2, packs(1, 1), 1, "no invoker has 256 MB of memory free for a pack; the most is 0 bytes");
  scheduler.release_pack(flare(1), PackId(2));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(2)));
}

TEST(Release, UnknownFlareChangesNothing) {
  auto scheduler = cluster(1, 4);
  scheduler.release(flare(9));
  scheduler.release_pack(flare(9), PackId(0));
  EXPECT_EQ(scheduler.totals().slots_free, 4);
}

TEST(Cancel, TakesAQueuedFlareOutAndLetsTheNextStart) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(2)));
  EXPECT_TRUE(scheduler.submit(flare(2), workers(4)));
  expect_waits(scheduler.submit(flare(3), workers(2), {.time_limit = 61s}));
  EXPECT_TRUE(scheduler.cancel(flare(2)));
  EXPECT_FALSE(scheduler.cancel(flare(2)));
  EXPECT_FALSE(scheduler.cancel(flare(1))) << "it runs already";
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(3)));
}

TEST(Queue, ShowsPositionsAndReasons) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  for (const auto id : {2U, 3U, 4U}) EXPECT_TRUE(scheduler.submit(flare(id), workers(4)));
  scheduler.cancel(flare(3));

  const auto queue = scheduler.queue();
  ASSERT_EQ(queue.size(), 2);
  EXPECT_EQ(queue[0].job.flare, flare(2));
  EXPECT_EQ(queue[0].job.demand.burst_size, 4);
  EXPECT_EQ(queue[0].place.position, 1);
  EXPECT_EQ(queue[0].place.reason, "burst of 4 workers needs 4 slots; 0 of 4 are free: 4 short");
  EXPECT_EQ(queue[1].job.flare, flare(4));
  EXPECT_EQ(queue[1].place.position, 2);
  EXPECT_EQ(queue[1].place.reason, "1 flare is ahead of it");
  EXPECT_EQ(scheduler.queue(1).size(), 1);

  EXPECT_EQ(scheduler.place(flare(4))->position, 2);
  EXPECT_FALSE(scheduler.place(flare(1)));
  EXPECT_FALSE(scheduler.place(flare(3)));
}

TEST(Invokers, OneThatJoinsLetsWaitingFlaresStart) {
  auto scheduler = cluster(2, 4);
  expect_placed(scheduler.submit(flare(1), workers(6)));
  EXPECT_TRUE(scheduler.submit(flare(2), workers(5)));
  EXPECT_TRUE(scheduler.add_invoker(InvokerId(2), 4, kMemory));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(2)));
}

TEST(Invokers, WrongOnesAreRefused) {
  auto scheduler = cluster(1, 4);
  EXPECT_EQ(scheduler.add_invoker(InvokerId(0), 4, kMemory).error().code, ErrorCode::kExists);
  EXPECT_EQ(scheduler.add_invoker(InvokerId(1), 0, kMemory).error().message,
            "invoker 1 has 0 slots; give it at least 1 with --slots");
  EXPECT_EQ(scheduler.totals().slots_total, 4);
}

TEST(Invokers, OneThatLeavesTakesItsReservationsWithIt) {
  auto scheduler = cluster(2, 4);
  const auto wide = expect_placed(scheduler.submit(flare(1), packs(4, 2)));
  ASSERT_NE(wide[0].invoker, wide[1].invoker);
  const auto narrow = expect_placed(scheduler.submit(flare(2), workers(1)));
  const auto gone = narrow[0].invoker;

  const auto loss = scheduler.remove_invoker(gone);
  EXPECT_THAT(loss.broken, ElementsAre(flare(1), flare(2)));
  EXPECT_EQ(scheduler.totals(), (Totals{1, 4, 2, Bytes::mb(1024), Bytes::mb(768)}));
  EXPECT_EQ(scheduler.running(), 1) << "nothing of flare 2 is left";

  // The same id joins anew: late news of the old packs must not free what they never took there.
  EXPECT_TRUE(scheduler.add_invoker(gone, 4, kMemory));
  for (const auto pack : {0U, 1U}) scheduler.release_pack(flare(1), PackId(pack));
  scheduler.release(flare(1));
  scheduler.release(flare(2));
  EXPECT_EQ(scheduler.totals(), (Totals{2, 8, 8, Bytes::mb(2048), Bytes::mb(2048)}));
}

TEST(Invokers, OneThatLeavesRefusesWhatCanNeverFitAnyMore) {
  auto scheduler = cluster(2, 4);
  expect_placed(scheduler.submit(flare(1), workers(2)));
  EXPECT_TRUE(scheduler.submit(flare(2), workers(8)));
  expect_waits(scheduler.submit(flare(3), workers(1), {.time_limit = 61s}));
  expect_waits(scheduler.submit(flare(4), workers(5), {.time_limit = 61s}));

  const auto loss = scheduler.remove_invoker(InvokerId(1));
  ASSERT_EQ(loss.refused.size(), 2);
  EXPECT_EQ(loss.refused[0].flare, flare(2));
  EXPECT_EQ(loss.refused[0].error.code, ErrorCode::kNeverFits);
  EXPECT_EQ(loss.refused[1].flare, flare(4));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(3)));
  EXPECT_EQ(scheduler.queued(), 0);
}

TEST(Invokers, TheLastOneThatLeavesEmptiesTheQueue) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  EXPECT_TRUE(scheduler.submit(flare(2), workers(1)));
  const auto loss = scheduler.remove_invoker(InvokerId(0));
  ASSERT_EQ(loss.refused.size(), 1);
  EXPECT_EQ(loss.refused[0].error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(loss.broken, ElementsAre(flare(1)));
  EXPECT_EQ(scheduler.totals(), Totals());
  EXPECT_THAT(scheduler.remove_invoker(InvokerId(0)).broken, IsEmpty());
}

Policy with_shares(std::map<std::string, Share, std::less<>> shares) {
  Policy policy;
  policy.shares = std::move(shares);
  return policy;
}

std::vector<FlareId> order(Desk& desk) {
  std::vector<FlareId> flares;
  for (const auto& waiting : desk.queue()) flares.push_back(waiting.job.flare);
  return flares;
}

TEST(Priorities, OrderTheFlaresOfANamespace) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  expect_waits(scheduler.submit(flare(2), workers(4), {.priority = -1}));
  expect_waits(scheduler.submit(flare(3), workers(4)));
  expect_waits(scheduler.submit(flare(4), workers(4), {.priority = 1}));
  expect_waits(scheduler.submit(flare(5), workers(4), {.priority = 1}));
  EXPECT_THAT(order(scheduler), ElementsAre(flare(4), flare(5), flare(3), flare(2)));
}

TEST(Priorities, AreWorthSoMuchWaiting) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  expect_waits(scheduler.submit(flare(2), workers(4), {.priority = kLeastPriority}));
  scheduler.now += 20 * Policy().ageing - 1us;
  expect_waits(scheduler.submit(flare(3), workers(4), {.priority = kMostPriority}));
  scheduler.now += 1us;
  expect_waits(scheduler.submit(flare(4), workers(4), {.priority = kMostPriority}));
  EXPECT_THAT(order(scheduler), ElementsAre(flare(3), flare(2), flare(4)));
}

TEST(FairShare, TheNamespaceThatUsesLessIsNext) {
  auto scheduler = cluster(2, 4);
  expect_placed(scheduler.submit(flare(1), workers(6), {.namespace_name = "much"}));
  expect_placed(scheduler.submit(flare(2), workers(2), {.namespace_name = "little"}));
  expect_waits(scheduler.submit(flare(3), workers(8), {.namespace_name = "much"}));
  expect_waits(scheduler.submit(flare(4), workers(8), {.namespace_name = "little"}));
  expect_waits(scheduler.submit(flare(5), workers(8), {.namespace_name = "none"}));
  EXPECT_THAT(order(scheduler), ElementsAre(flare(5), flare(4), flare(3)));
}

TEST(FairShare, WhatWasUsedCountsForAWhile) {
  auto scheduler = cluster(1, 8);
  expect_placed(scheduler.submit(flare(1), workers(8), {.namespace_name = "first"}));
  scheduler.now += 10min;
  scheduler.release(flare(1));
  expect_placed(scheduler.submit(flare(2), workers(8), {.namespace_name = "third"}));
  expect_waits(scheduler.submit(flare(3), workers(8), {.namespace_name = "first"}));
  expect_waits(scheduler.submit(flare(4), workers(8), {.namespace_name = "second"}));
  EXPECT_THAT(order(scheduler), ElementsAre(flare(4), flare(3)));
  for (const auto id : {2U, 3U, 4U}) {
    scheduler.cancel(flare(id));
    scheduler.release(flare(id));
  }
  scheduler.now += 24h;
  expect_placed(scheduler.submit(flare(5), workers(8), {.namespace_name = "third"}));
  expect_waits(scheduler.submit(flare(6), workers(8), {.namespace_name = "first"}));
  expect_waits(scheduler.submit(flare(7), workers(8), {.namespace_name = "second"}));
  EXPECT_THAT(order(scheduler), ElementsAre(flare(6), flare(7))) << "forgotten by then";
}

TEST(FairShare, AFloodOfOneNamespaceIsMixedWithTheOthers) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4), {.namespace_name = "third"}));
  for (const auto id : {2U, 3U, 4U}) expect_waits(scheduler.submit(flare(id), workers(4), {.namespace_name = "flood"}));
  for (const auto id : {5U, 6U}) expect_waits(scheduler.submit(flare(id), workers(4), {.namespace_name = "other"}));
  EXPECT_THAT(order(scheduler), ElementsAre(flare(2), flare(5), flare(3), flare(6), flare(4)));
}

TEST(FairShare, WeightsDivideTheCluster) {
  auto scheduler = cluster(1, 400, with_shares({{"heavy", {.weight = 3}}}));
  expect_placed(scheduler.submit(flare(1), workers(400), {.namespace_name = "third"}));
  std::map<FlareId, std::string> owners;
  for (unsigned id = 2; id < 802; ++id) {
    owners[flare(id)] = id % 2 == 0 ? "heavy" : "light";
    expect_waits(scheduler.submit(flare(id), workers(400), {.namespace_name = owners[flare(id)]}));
  }
  std::map<std::string, int> started;
  auto last = flare(1);
  for (int round = 0; round < 400; ++round) {
    scheduler.now += 10s;
    scheduler.release(last);
    const auto starts = scheduler.admit();
    ASSERT_EQ(starts.size(), 1);
    last = starts[0].flare;
    ++started[owners[last]];
  }
  EXPECT_NEAR(started["heavy"], 300, 20);
}

TEST(FairShare, WhoWaitsLongIsNextWhateverItUsed) {
  auto scheduler = cluster(1, 8);
  expect_placed(scheduler.submit(flare(1), workers(7), {.namespace_name = "much"}));
  expect_placed(scheduler.submit(flare(2), workers(1), {.namespace_name = "third"}));
  expect_waits(scheduler.submit(flare(3), workers(8), {.namespace_name = "much"}));
  // log2(8 + 7) - log2(1): less than four times the ageing.
  scheduler.now += 4 * Policy().ageing;
  expect_waits(scheduler.submit(flare(4), workers(8), {.namespace_name = "none"}));
  EXPECT_THAT(order(scheduler), ElementsAre(flare(3), flare(4)));
}

TEST(Quotas, HoldANamespaceBackAndNobodyElse) {
  auto scheduler = cluster(1, 8, with_shares({{"small", {.quota = 3}}}));
  expect_placed(scheduler.submit(flare(1), workers(2), {.namespace_name = "small"}));
  expect_waits(scheduler.submit(flare(2), workers(2), {.namespace_name = "small"}));
  expect_waits(scheduler.submit(flare(3), workers(1), {.namespace_name = "small"}));
  EXPECT_EQ(scheduler.place(flare(2))->reason,
            "namespace small holds 2 slots of its quota of 3; burst of 2 workers needs 1 more");
  expect_placed(scheduler.submit(flare(4), workers(6)));
  scheduler.release(flare(4));
  EXPECT_THAT(admitted(scheduler), IsEmpty());
  scheduler.release(flare(1));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(2), flare(3)));
}

TEST(Quotas, WhatIsOverThemIsRefused) {
  auto scheduler = cluster(1, 8, with_shares({{"small", {.quota = 3}}}));
  expect_refused(scheduler.submit(flare(1), workers(5), {.namespace_name = "small"}), ErrorCode::kNeverFits,
                 "burst of 5 workers needs as many slots; the quota of namespace small is 3: 2 short; use fewer "
                 "workers, or have the quota raised");
  expect_placed(scheduler.submit(flare(1), workers(5)));
}

/// 8 slots, 6 of them taken for a minute, and a flare that needs 7: it starts in a minute at the latest.
Desk with_a_head() {
  auto scheduler = cluster(1, 8);
  expect_placed(scheduler.submit(flare(1), workers(6), {.time_limit = 60s}));
  expect_waits(scheduler.submit(flare(2), workers(7), {.time_limit = 60s}));
  EXPECT_EQ(scheduler.place(flare(2))->starts_by, scheduler.now + 60s);
  return scheduler;
}

TEST(Backfill, LetsPassWhatEndsBeforeTheHeadStarts) {
  auto scheduler = with_a_head();
  scheduler.now += 20s;
  expect_waits(scheduler.submit(flare(3), workers(2), {.time_limit = 41s}));
  expect_placed(scheduler.submit(flare(4), workers(2), {.time_limit = 40s}));
  EXPECT_EQ(scheduler.place(flare(2))->starts_by, scheduler.now + 40s);
}

TEST(Backfill, LetsPassWhatTheHeadLeavesIdle) {
  auto scheduler = with_a_head();
  expect_waits(scheduler.submit(flare(3), workers(2), {.time_limit = 10min}));
  expect_placed(scheduler.submit(flare(4), workers(1), {.time_limit = 10min}));
  expect_waits(scheduler.submit(flare(5), workers(1), {.time_limit = 10min}));
  scheduler.release(flare(1));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(2)));
}

TEST(Backfill, HappensWhenSlotsComeFree) {
  auto scheduler = cluster(1, 8);
  expect_placed(scheduler.submit(flare(1), workers(6), {.time_limit = 60s}));
  expect_placed(scheduler.submit(flare(2), workers(2), {.time_limit = 60s}));
  expect_waits(scheduler.submit(flare(3), workers(7), {.time_limit = 60s}));
  expect_waits(scheduler.submit(flare(4), workers(2), {.time_limit = 61s}));
  expect_waits(scheduler.submit(flare(5), workers(1), {.time_limit = 59s}));
  scheduler.release(flare(2));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(5)));
  EXPECT_THAT(admitted(scheduler), IsEmpty());
}

TEST(Backfill, WhatEndsEarlyGivesItsPartBack) {
  auto scheduler = with_a_head();
  expect_placed(scheduler.submit(flare(3), workers(1), {.time_limit = 10min}));
  expect_waits(scheduler.submit(flare(4), workers(1), {.time_limit = 10min}));
  scheduler.release(flare(3));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(4)));
}

TEST(Backfill, LeavesTheHeadItsQuota) {
  auto scheduler = cluster(1, 8, with_shares({{"guest", {.quota = 8}}}));
  expect_placed(scheduler.submit(flare(1), workers(6), {.namespace_name = "other", .time_limit = 60s}));
  expect_waits(scheduler.submit(flare(2), workers(7), {.time_limit = 60s}));
  expect_placed(scheduler.submit(flare(3), workers(1), {.time_limit = 10min}));
  scheduler.release(flare(1));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(2)));
}

TEST(Backfill, NobodyPassesForEver) {
  auto scheduler = with_a_head();
  unsigned id = 3;
  for (int second = 0; second < 60; ++second) {  // small ones come without end
    scheduler.now += 1s;
    EXPECT_TRUE(scheduler.submit(flare(id++), workers(2), {.time_limit = 5s}));
    if (second >= 5) scheduler.release(flare(id - 6));
    scheduler.admit();
  }
  scheduler.release(flare(1));
  for (unsigned small = 3; small < id; ++small) scheduler.release(flare(small));
  EXPECT_EQ(scheduler.admit()[0].flare, flare(2));
}

TEST(Drain, GivesTheInvokerNothingNew) {
  auto scheduler = cluster(2, 4);
  const auto plan = expect_placed(scheduler.submit(flare(1), workers(2)));
  const auto drained = plan[0].invoker;
  EXPECT_TRUE(scheduler.scheduler.drain(drained));
  EXPECT_TRUE(scheduler.scheduler.drain(drained));
  EXPECT_EQ(scheduler.totals().slots_free, 4);
  EXPECT_EQ(scheduler.totals().slots_total, 8);
  EXPECT_EQ(scheduler.totals().cordoned, 1);
  EXPECT_NE(expect_placed(scheduler.submit(flare(2), workers(4)))[0].invoker, drained);
  expect_queued(scheduler, 3, workers(6), 1,
                "burst of 6 workers needs 6 slots; 0 of 8 are free: 6 short; 1 of 2 invokers are drained and take "
                "nothing new");
  EXPECT_FALSE(scheduler.place(flare(3))->starts_by) << "not before it is uncordoned";

  scheduler.release(flare(1));
  scheduler.release(flare(2));
  EXPECT_THAT(admitted(scheduler), IsEmpty());
  EXPECT_EQ(scheduler.totals().slots_free, 4);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(scheduler.scheduler.load(i).free_slots, 4);
  EXPECT_TRUE(scheduler.scheduler.uncordon(drained));
  EXPECT_TRUE(scheduler.scheduler.uncordon(drained));
  EXPECT_THAT(admitted(scheduler), ElementsAre(flare(3)));
  EXPECT_FALSE(scheduler.scheduler.drain(InvokerId(7)));
  EXPECT_FALSE(scheduler.scheduler.uncordon(InvokerId(7)));
}

TEST(Drain, OneThatLeavesIsCountedOut) {
  auto scheduler = cluster(2, 4);
  EXPECT_TRUE(scheduler.scheduler.drain(InvokerId(0)));
  EXPECT_THAT(scheduler.remove_invoker(InvokerId(0)).broken, IsEmpty());
  EXPECT_EQ(scheduler.totals(), (Totals{1, 4, 4, kMemory, kMemory}));
}

TEST(SchedulerDeathTest, PackThatThePlanDoesNotHave) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  EXPECT_DEATH(scheduler.release_pack(flare(1), PackId(1)), "the pack is one of the plan's");
}

}  // namespace
}  // namespace gust::scheduler
