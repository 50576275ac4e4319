#include "controller/flare.h"

#include <gtest/gtest.h>

namespace gust::controller {
namespace {

using store::FlareState;
using store::PackCause;
using store::WorkerState;

constexpr WallTime kNow{std::chrono::seconds(1'000)};

FlareRequest request(std::uint32_t workers, packing::Strategy strategy = packing::Strategy::kHomogeneous,
                     std::uint32_t granularity = 2) {
  FlareRequest request;
  request.action = std::make_shared<store::Action>();
  request.namespace_name = "guest";
  request.params.assign(workers, "{}");
  request.strategy = strategy;
  request.granularity = granularity;
  request.received = kNow;
  return request;
}

std::string name_of(InvokerId id) { return "invoker-" + std::to_string(id.value()); }

// Three workers in packs of two and one, on invokers 0 and 1.
class FlareTest : public ::testing::Test {
 protected:
  FlareTest() : flare_(FlareId(random_hex_id()), request(3)) {
    flare_.reserve({{InvokerId(0), {WorkerId(0), 2}}, {InvokerId(1), {WorkerId(2), 1}}}, &name_of, kNow);
    flare_.start(kNow);
  }

  static protocol::PackReport report(std::uint32_t pack) {
    protocol::PackReport report;
    report.set_pack_id(pack);
    return report;
  }

  static protocol::PackReport started(std::uint32_t pack, std::vector<std::uint32_t> workers) {
    protocol::PackReport news = report(pack);
    for (const std::uint32_t worker : workers) {
      news.mutable_started()->add_worker_id(worker);
      news.mutable_started()->add_started_us(to_micros(kNow) + worker);
    }
    return news;
  }

  static protocol::PackReport finished(std::uint32_t pack, std::vector<std::uint32_t> workers, bool ok = true) {
    protocol::PackReport news = report(pack);
    for (const std::uint32_t worker : workers) {
      auto& finished = *news.mutable_finished();
      finished.add_worker_id(worker);
      finished.add_function_started_us(to_micros(kNow));
      finished.add_function_ended_us(to_micros(kNow));
      finished.add_ended_us(to_micros(kNow));
      finished.add_peak_memory_bytes(1);
      finished.add_ok(ok);
      finished.add_result("\"r\"");
    }
    return news;
  }

  static protocol::PackReport ended(std::uint32_t pack, protocol::PackCause cause, const std::string& message = {}) {
    protocol::PackReport news = report(pack);
    news.mutable_ended()->set_cause(cause);
    news.mutable_ended()->set_message(message);
    return news;
  }

  static protocol::PackReport sent(std::uint32_t pack, std::uint64_t remote_bytes) {
    protocol::PackReport news = report(pack);
    news.mutable_traffic()->set_local_messages(1);
    news.mutable_traffic()->set_local_bytes(2);
    news.mutable_traffic()->set_remote_messages(3);
    news.mutable_traffic()->set_remote_bytes(remote_bytes);
    return news;
  }

  Result<Flare::Effect> apply(std::uint32_t invoker, const protocol::PackReport& news) {
    return flare_.apply(InvokerId(invoker), news, kNow);
  }

  [[nodiscard]] const store::FlareRecord& record() const { return flare_.record(); }

  Flare flare_;
};

TEST_F(FlareTest, RunsFromStartingToSucceeded) {
  EXPECT_EQ(record().state, FlareState::kStarting);
  ASSERT_TRUE(apply(0, started(0, {0, 1})));
  EXPECT_EQ(record().state, FlareState::kStarting);
  ASSERT_TRUE(apply(1, started(1, {2})));
  EXPECT_EQ(record().state, FlareState::kRunning);
  ASSERT_TRUE(apply(0, sent(0, 5'000'000'000)));
  ASSERT_TRUE(apply(0, finished(0, {1, 0})));
  EXPECT_EQ(record().state, FlareState::kFinishing);
  EXPECT_EQ(apply(0, ended(0, protocol::PACK_CAUSE_FINISHED)), Flare::Effect::kPackEnded);
  EXPECT_EQ(record().packs[0].traffic.local_messages, 1u);
  EXPECT_EQ(record().packs[0].traffic.local_bytes, 2u);
  EXPECT_EQ(record().packs[0].traffic.remote_messages, 3u);
  EXPECT_EQ(record().packs[0].traffic.remote_bytes, 5'000'000'000u);
  EXPECT_EQ(record().packs[1].traffic.remote_messages, 0u);
  ASSERT_TRUE(apply(1, finished(1, {2})));
  EXPECT_FALSE(flare_.all_packs_ended());
  EXPECT_EQ(apply(1, ended(1, protocol::PACK_CAUSE_FINISHED)), Flare::Effect::kPackEnded);
  ASSERT_TRUE(flare_.all_packs_ended());
  flare_.finish(kNow);
  EXPECT_EQ(record().state, FlareState::kSucceeded);
  EXPECT_FALSE(record().cause);
  EXPECT_EQ(record().workers[1].result, "\"r\"");
  EXPECT_EQ(to_micros(record().workers[2].started), to_micros(kNow) + 2);
}

TEST_F(FlareTest, OneActivationForEachPackAndTheFirstNamesTheFlare) {
  ASSERT_EQ(record().activations.size(), 2U);
  EXPECT_EQ(record().activations[0].id.str(), record().id.str());
  EXPECT_NE(record().activations[1].id.str(), record().id.str());
  EXPECT_EQ(record().activations[1].workers, (WorkerRange{WorkerId(2), 1}));
}

TEST_F(FlareTest, AWorkersErrorIsItsResult) {
  ASSERT_TRUE(apply(0, finished(0, {0, 1}, false)));
  ASSERT_TRUE(apply(0, ended(0, protocol::PACK_CAUSE_FINISHED)));
  EXPECT_FALSE(flare_.is_failing());
  EXPECT_EQ(record().workers_with_error, 2U);
  EXPECT_EQ(record().workers[0].state, WorkerState::kReturnedError);
}

TEST_F(FlareTest, ACrashFailsTheFlareOnceAllPacksHaveEnded) {
  ASSERT_TRUE(apply(0, ended(0, protocol::PACK_CAUSE_WORKER_CRASHED, "worker 1 crashed with SIGSEGV")));
  EXPECT_TRUE(flare_.is_failing());
  EXPECT_EQ(record().state, FlareState::kFinishing);
  ASSERT_TRUE(apply(1, ended(1, protocol::PACK_CAUSE_STOPPED, "stopped")));
  flare_.finish(kNow);
  EXPECT_EQ(record().state, FlareState::kFailed);
  EXPECT_EQ(record().cause->code, ErrorCode::kCrashed);
  EXPECT_EQ(record().cause->message, "worker 1 crashed with SIGSEGV (pack 0 on invoker 0)");
  EXPECT_EQ(record().workers[0].state, WorkerState::kLost);
}

TEST_F(FlareTest, WhyAPackWasStoppedByAnEarlierControllerIsForOthersToSay) {
  ASSERT_TRUE(apply(1, ended(1, protocol::PACK_CAUSE_STOPPED, "pack 1 was stopped: ...")));
  EXPECT_TRUE(flare_.is_failing());
  EXPECT_EQ(record().cause->code, ErrorCode::kCancelled);
  ASSERT_TRUE(apply(0, ended(0, protocol::PACK_CAUSE_WORKER_CRASHED, "worker 1 crashed with SIGSEGV")));
  flare_.finish(kNow);
  EXPECT_EQ(record().state, FlareState::kFailed);
  EXPECT_EQ(record().cause->code, ErrorCode::kCrashed);
}

TEST_F(FlareTest, APackThatEndsWithoutItsWorkersHasNotSucceeded) {
  ASSERT_TRUE(apply(0, finished(0, {0})));
  ASSERT_TRUE(apply(0, ended(0, protocol::PACK_CAUSE_FINISHED)));
  EXPECT_TRUE(flare_.is_failing());
}

TEST_F(FlareTest, TheFirstCauseStays) {
  flare_.abort(FlareState::kTimedOut, {ErrorCode::kTimedOut, "too late"}, kNow);
  ASSERT_TRUE(apply(0, ended(0, protocol::PACK_CAUSE_KILLED, "killed")));
  EXPECT_EQ(flare_.lose_pack(PackId(1), "invoker 1 was lost", kNow), Flare::Effect::kPackEnded);
  flare_.finish(kNow);
  EXPECT_EQ(record().state, FlareState::kTimedOut);
  EXPECT_EQ(record().cause->message, "too late");
  EXPECT_EQ(record().packs[1].cause, PackCause::kInvokerLost);
}

TEST_F(FlareTest, RefusesReportsThatMakeNoSense) {
  EXPECT_FALSE(apply(0, report(7)));
  EXPECT_FALSE(apply(0, started(1, {2}))) << "another invoker's pack";
  EXPECT_FALSE(apply(0, started(0, {2}))) << "another pack's worker";
  protocol::PackReport ragged = finished(0, {0});
  ragged.mutable_finished()->add_worker_id(1);
  EXPECT_FALSE(apply(0, ragged));
  EXPECT_EQ(record().workers_started, 0U);
  ASSERT_TRUE(apply(0, ended(0, protocol::PACK_CAUSE_KILLED)));
  EXPECT_FALSE(apply(0, ended(0, protocol::PACK_CAUSE_KILLED))) << "a pack ends once";
}

TEST_F(FlareTest, CountsRepeatedNewsOnce) {
  ASSERT_TRUE(apply(0, started(0, {0})));
  ASSERT_TRUE(apply(0, started(0, {0})));
  ASSERT_TRUE(apply(0, finished(0, {0})));
  ASSERT_TRUE(apply(0, finished(0, {0})));
  EXPECT_EQ(record().workers_started, 1U);
  EXPECT_EQ(record().workers_finished, 1U);
}

TEST_F(FlareTest, NamesUnfinishedWorkers) {
  ASSERT_TRUE(apply(0, finished(0, {0})));
  EXPECT_EQ(flare_.unfinished_workers(), "workers 1, 2");
}

TEST(QueuedFlare, PromisesOneActivationAPackWhereItKnowsThem) {
  Flare flare(FlareId(random_hex_id()), request(5));
  flare.queue(kNow);
  ASSERT_EQ(flare.record().activations.size(), 3U);
  EXPECT_EQ(flare.record().activations[2].workers, (WorkerRange{WorkerId(4), 1}));
}

TEST(QueuedFlare, PromisesASingleActivationWhereItDoesNot) {
  Flare flare(FlareId(random_hex_id()), request(5, packing::Strategy::kMixed));
  flare.queue(kNow);
  ASSERT_EQ(flare.record().activations.size(), 1U);
  flare.reserve({{InvokerId(0), {WorkerId(0), 3}}, {InvokerId(1), {WorkerId(3), 2}}}, &name_of, kNow);
  ASSERT_EQ(flare.record().activations.size(), 1U);
  EXPECT_EQ(flare.record().activations[0].workers, (WorkerRange{WorkerId(0), 5}));
}

}  // namespace
}  // namespace gust::controller
