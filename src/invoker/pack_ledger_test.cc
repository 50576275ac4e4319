// What a pack may say, and what the invoker concludes from its end.
#include "invoker/pack_ledger.h"

#include <csignal>
#include <gtest/gtest.h>
#include <string>

namespace gust::invoker {
namespace {

using protocol::FrameType;

constexpr std::uint32_t kFirst = 10;
constexpr std::uint32_t kCount = 3;
constexpr Bytes kResultLimit(1000);

template <class Message>
std::string bytes_of(const Message& message) {
  return {reinterpret_cast<const char*>(&message), sizeof message};
}

class PackLedgerTest : public ::testing::Test {
 protected:
  Result<void> loaded() { return ledger_.take(FrameType::kLoaded, encode(protocol::LoadedMessage{1, 2, 3}), report_); }
  Result<void> start(std::uint32_t worker) {
    return ledger_.take(FrameType::kStarted, encode(protocol::StartedMessage{{worker, 5}}), report_);
  }
  Result<void> finish(std::uint32_t worker, std::string result = "null") {
    protocol::FinishedMessage message(1);
    message[0].worker_id = worker;
    message[0].ok = true;
    message[0].result = std::move(result);
    return ledger_.take(FrameType::kFinished, encode(message), report_);
  }
  Result<void> crash(std::uint32_t worker, int signal) {
    protocol::CrashedMessage message;
    message.worker_id = worker;
    message.signal = signal;
    return ledger_.take(FrameType::kCrashed, bytes_of(message), report_);
  }
  void run_all() {
    ASSERT_TRUE(loaded());
    for (std::uint32_t worker = kFirst; worker < kFirst + kCount; ++worker) {
      ASSERT_TRUE(start(worker));
      ASSERT_TRUE(finish(worker));
    }
  }
  protocol::PackEnded end(int status, std::optional<Verdict> verdict = std::nullopt) {
    container::Exited exited;
    exited.wait_status = status;
    return ledger_.conclude(exited, verdict);
  }

  PackLedger ledger_{PackId(4), InvokerId(3), WorkerRange{WorkerId(kFirst), kCount}, Bytes::mb(256), kResultLimit};
  protocol::PackReport report_;
};

TEST_F(PackLedgerTest, TellsOnceWhatWorkersHaveSent) {
  ASSERT_TRUE(loaded());
  const std::string sent = encode(protocol::TrafficMessage{1, 2, 3, UINT64_MAX});
  EXPECT_FALSE(ledger_.take(FrameType::kTraffic, sent.substr(1), report_));
  ASSERT_TRUE(ledger_.take(FrameType::kTraffic, sent, report_));
  EXPECT_EQ(report_.traffic().local_messages(), 1u);
  EXPECT_EQ(report_.traffic().local_bytes(), 2u);
  EXPECT_EQ(report_.traffic().remote_messages(), 3u);
  EXPECT_EQ(report_.traffic().remote_bytes(), UINT64_MAX);
  EXPECT_FALSE(ledger_.take(FrameType::kTraffic, sent, report_));
}

TEST_F(PackLedgerTest, CountsWorkers) {
  ASSERT_TRUE(loaded());
  EXPECT_TRUE(start(kFirst));
  EXPECT_TRUE(start(kFirst + 2));
  EXPECT_EQ(ledger_.started(), 2U);
  EXPECT_FALSE(ledger_.had_last_word());
}

TEST_F(PackLedgerTest, RefusesWhatCannotBe) {
  EXPECT_FALSE(start(kFirst)) << "not loaded";
  ASSERT_TRUE(loaded());
  EXPECT_FALSE(loaded()) << "twice";
  EXPECT_FALSE(start(kFirst - 1));
  EXPECT_FALSE(start(kFirst + kCount));
  EXPECT_FALSE(start(UINT32_MAX));
  EXPECT_FALSE(finish(kFirst)) << "not started";
  ASSERT_TRUE(start(kFirst));
  EXPECT_FALSE(start(kFirst)) << "twice";
  ASSERT_TRUE(finish(kFirst));
  EXPECT_FALSE(finish(kFirst)) << "twice";
  EXPECT_FALSE(crash(kFirst + kCount, SIGSEGV));
  EXPECT_FALSE(crash(kFirst, 0));
  EXPECT_FALSE(crash(kFirst, 1000));
  EXPECT_FALSE(ledger_.take(FrameType::kStart, "", report_));
  EXPECT_FALSE(ledger_.take(FrameType::kStarted, "too short", report_));
  EXPECT_EQ(report_.finished().worker_id_size(), 1);
}

TEST_F(PackLedgerTest, NothingComesAfterTheLastWord) {
  ASSERT_TRUE(loaded());
  ASSERT_TRUE(crash(protocol::kNoWorker, SIGABRT));
  EXPECT_TRUE(ledger_.had_last_word());
  EXPECT_FALSE(start(kFirst));
}

TEST_F(PackLedgerTest, LimitsTheResultsOfAPack) {
  ASSERT_TRUE(loaded());
  for (std::uint32_t worker = kFirst; worker < kFirst + kCount; ++worker) ASSERT_TRUE(start(worker));
  const std::string large = "\"" + std::string(kResultLimit.count() / 2, 'x') + "\"";
  ASSERT_TRUE(finish(kFirst, large));
  const auto result = finish(kFirst + 1, large);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTooLarge);
}

TEST_F(PackLedgerTest, AllFinishedAndExitZeroIsFinished) {
  run_all();
  EXPECT_EQ(end(0).cause(), protocol::PACK_CAUSE_FINISHED);
  EXPECT_EQ(end(0, Verdict{Verdict::Kind::kStopped, "late"}).cause(), protocol::PACK_CAUSE_FINISHED);
}

TEST_F(PackLedgerTest, AnExitWithoutAllResultsIsNot) {
  EXPECT_EQ(end(0).cause(), protocol::PACK_CAUSE_WORKER_EXITED);
  EXPECT_EQ(end(0).message(), "pack 4 exited with code 0 after 0 of its 3 workers had finished");
}

TEST_F(PackLedgerTest, ASignalOfItsOwnIsACrashEvenWhenItCouldNotSaySo) {
  EXPECT_EQ(end(SIGSEGV).cause(), protocol::PACK_CAUSE_WORKER_CRASHED);
  EXPECT_EQ(end(SIGSEGV).message(), "pack 4 crashed with SIGSEGV; it could not say in which worker");
  EXPECT_EQ(end(SIGTERM).cause(), protocol::PACK_CAUSE_KILLED);
  EXPECT_EQ(end(SIGTERM).message(), "pack 4 was killed by SIGTERM from outside");
}

TEST_F(PackLedgerTest, TheMemoryLimitIsNamedAsTheCause) {
  container::Exited exited;
  exited.wait_status = SIGKILL;
  exited.out_of_memory = true;
  const auto ended = ledger_.conclude(exited, std::nullopt);
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_KILLED);
  EXPECT_EQ(
      ended.message(),
      "pack 4 (workers 10 to 12) on invoker 3: killed at its 256 MB memory limit; raise limits.memory or put fewer "
      "workers into a pack");
  const PackLedger of_one(PackId(4), InvokerId(3), {WorkerId(17), 1}, Bytes::mb(512));
  EXPECT_EQ(of_one.conclude(exited, std::nullopt).message(),
            "worker 17 on invoker 3: killed at its 512 MB memory limit; raise limits.memory");
}

TEST_F(PackLedgerTest, TheEndOfAWorkersProcessIsTold) {
  const auto told = [&](std::uint32_t worker, int signal, bool out_of_memory) {
    PackLedger ledger(PackId(4), InvokerId(3), {WorkerId(kFirst), kCount}, Bytes::mb(256));
    const protocol::CrashedMessage message{
        .worker_id = worker, .signal = signal, .address = protocol::kNoAddress, .at_us = 1};
    EXPECT_TRUE(ledger.take(FrameType::kCrashed, encode(message), report_));
    container::Exited exited;
    exited.wait_status = 1 << 8;
    exited.out_of_memory = out_of_memory;
    return ledger.conclude(exited, std::nullopt).message();
  };
  EXPECT_EQ(told(kFirst, SIGSEGV, false), "worker 10 crashed with SIGSEGV");
  EXPECT_EQ(told(kFirst, SIGTERM, false), "worker 10 was killed by SIGTERM");
  EXPECT_EQ(told(kFirst, SIGKILL, true),
            "worker 10 on invoker 3: killed at its 256 MB memory limit; raise limits.memory or put fewer workers into "
            "a pack");
  EXPECT_EQ(told(protocol::kNoWorker, SIGKILL, false), "the interpreter of pack 4 was killed by SIGKILL");
  EXPECT_EQ(told(protocol::kNoWorker, SIGSEGV, false), "the interpreter of pack 4 crashed with SIGSEGV");
}

TEST_F(PackLedgerTest, ItsOwnWordOutweighsTheInvokersVerdict) {
  ASSERT_TRUE(loaded());
  ASSERT_TRUE(crash(kFirst, SIGABRT));
  const auto ended = end(SIGKILL, Verdict{Verdict::Kind::kStopped, "another pack crashed"});
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_WORKER_CRASHED);
  EXPECT_EQ(ended.message(), "worker 10 crashed with SIGABRT");
}

TEST_F(PackLedgerTest, TheVerdictIsTold) {
  const auto stopped = end(SIGKILL, Verdict{Verdict::Kind::kStopped, "time limit"});
  EXPECT_EQ(stopped.cause(), protocol::PACK_CAUSE_STOPPED);
  EXPECT_EQ(stopped.message(), "pack 4 was stopped: time limit");
  const auto faulty = end(SIGKILL, Verdict{Verdict::Kind::kFaulty, "junk"});
  EXPECT_EQ(faulty.cause(), protocol::PACK_CAUSE_KILLED);
  EXPECT_EQ(faulty.signal(), SIGKILL);
}

}  // namespace
}  // namespace gust::invoker
