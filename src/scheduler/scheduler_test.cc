#include "scheduler/scheduler.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace gust::scheduler {
namespace {

using packing::Demand;
using packing::Strategy;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Bytes kMemory = Bytes::mb(1024);
constexpr Bytes kPackMemory = Bytes::mb(256);

FlareId flare(unsigned number) { return FlareId(fmt::format("{:032x}", number)); }
Demand workers(std::uint32_t n) { return {n, Strategy::kHeterogeneous, 0, kPackMemory}; }
Demand packs(std::uint32_t n, std::uint32_t granularity) {
  return {n, Strategy::kHomogeneous, granularity, kPackMemory};
}

Scheduler cluster(std::uint32_t invokers, std::uint32_t slots, std::size_t queue_limit = 100) {
  Scheduler scheduler(queue_limit);
  for (std::uint32_t i = 0; i < invokers; ++i) EXPECT_TRUE(scheduler.add_invoker(InvokerId(i), slots, kMemory));
  return scheduler;
}

packing::Plan expect_placed(const Result<Admission>& admission) {
  EXPECT_TRUE(admission) << admission.error().message;
  const auto* plan = admission ? std::get_if<packing::Plan>(&*admission) : nullptr;
  EXPECT_NE(plan, nullptr) << "queued";
  return plan != nullptr ? *plan : packing::Plan();
}

void expect_queued(const Result<Admission>& admission, std::size_t position, const std::string& reason) {
  ASSERT_TRUE(admission) << admission.error().message;
  ASSERT_TRUE(std::holds_alternative<Place>(*admission)) << "placed";
  EXPECT_EQ(std::get<Place>(*admission).position, position);
  EXPECT_EQ(std::get<Place>(*admission).reason, reason);
}

void expect_refused(const Result<Admission>& admission, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(admission);
  EXPECT_EQ(admission.error().code, code);
  EXPECT_EQ(admission.error().message, message);
}

std::vector<FlareId> admitted(Scheduler& scheduler) {
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
  expect_queued(scheduler.submit(flare(2), workers(3)), 1,
                "burst of 3 workers needs 3 slots; 2 of 8 are free: 1 short");
  expect_queued(scheduler.submit(flare(3), workers(1)), 2, "1 flare is ahead of it");
  expect_queued(scheduler.submit(flare(4), workers(1)), 3, "2 flares are ahead of it");
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
  expect_queued(scheduler.submit(flare(3), workers(8)), 1,
                "burst of 8 workers needs 8 slots; 0 of 8 are free: 8 short");
  expect_refused(scheduler.submit(flare(4), workers(9)), ErrorCode::kNeverFits, message);
  EXPECT_EQ(scheduler.submit(flare(5), workers(0)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(scheduler.queued(), 1);
}

TEST(Submit, RefusesWithoutInvokers) {
  Scheduler scheduler;
  expect_refused(scheduler.submit(flare(1), workers(1)), ErrorCode::kUnavailable,
                 "no invoker has joined; start one with `gust invoker`");
}

TEST(Submit, RefusesAnIdThatIsInUse) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  expect_queued(scheduler.submit(flare(2), workers(4)), 1,
                "burst of 4 workers needs 4 slots; 0 of 4 are free: 4 short");
  expect_refused(scheduler.submit(flare(1), workers(1)), ErrorCode::kExists,
                 "flare " + flare(1).str() + " is running already; submit it under an id of its own");
  expect_refused(scheduler.submit(flare(2), workers(1)), ErrorCode::kExists,
                 "flare " + flare(2).str() + " is queued already; submit it under an id of its own");
}

TEST(Submit, QueueIsBounded) {
  auto scheduler = cluster(1, 4, 1);
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
  for (const auto id : {2U, 3U, 4U, 5U}) EXPECT_TRUE(scheduler.submit(flare(id), workers(id == 4 ? 3 : 2)));
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
  expect_queued(scheduler.submit(flare(2), packs(1, 1)), 1,
                "no invoker has 256 MB of memory free for a pack; the most is 0 bytes");
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
  EXPECT_TRUE(scheduler.submit(flare(3), workers(2)));
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
  EXPECT_EQ(queue[0].flare, flare(2));
  EXPECT_EQ(queue[0].demand.burst_size, 4);
  EXPECT_EQ(queue[0].place.position, 1);
  EXPECT_EQ(queue[0].place.reason, "burst of 4 workers needs 4 slots; 0 of 4 are free: 4 short");
  EXPECT_EQ(queue[1].flare, flare(4));
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
  EXPECT_TRUE(scheduler.submit(flare(3), workers(1)));
  EXPECT_TRUE(scheduler.submit(flare(4), workers(5)));

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

TEST(SchedulerDeathTest, PackThatThePlanDoesNotHave) {
  auto scheduler = cluster(1, 4);
  expect_placed(scheduler.submit(flare(1), workers(4)));
  EXPECT_DEATH(scheduler.release_pack(flare(1), PackId(1)), "the pack is one of the plan's");
}

}  // namespace
}  // namespace gust::scheduler
