// What an invoker sees of packs whose workers end the process.
#include "pack/last_words.h"

#include <signal.h>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "pack/pack_process.h"

namespace gust::pack {
namespace {

/// Five workers, of which one does what `params` say and the others wait for ever.
PackStory run_with_culprit(std::uint32_t worker, const std::string& what) {
  const std::string params = R"({"worker": )" + std::to_string(worker) + R"(, "others": "wait", "do": )" + what + "}";
  return run_to_end(start_message("misbehave.so", std::vector<std::string>(5, params)));
}

void expect_crash(const PackStory& story, std::uint32_t worker, int signal) {
  ASSERT_TRUE(WIFSIGNALED(story.wait_status)) << story.output;
  EXPECT_EQ(WTERMSIG(story.wait_status), signal);
  ASSERT_TRUE(story.crashed);
  EXPECT_EQ(story.crashed->worker_id, worker);
  EXPECT_EQ(story.crashed->signal, signal);
  EXPECT_GT(story.crashed->at_us, 0);
  EXPECT_TRUE(story.finished.empty());
}

class EverySignal : public testing::TestWithParam<int> {};

TEST_P(EverySignal, NamesTheWorker) {
  const PackStory story = run_with_culprit(3, R"("raise", "signal": )" + std::to_string(GetParam()));
  expect_crash(story, 3, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Signals, EverySignal,
                         testing::Values(SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP));

TEST(LastWords, AFaultNamesTheAddress) {
  const PackStory story = run_with_culprit(0, R"("fault")");
  expect_crash(story, 0, SIGSEGV);
  EXPECT_EQ(story.crashed->address, 8u);
}

TEST(LastWords, AbortIsACrash) { expect_crash(run_with_culprit(4, R"("abort")"), 4, SIGABRT); }

TEST(LastWords, AStackOverflowIsReported) { expect_crash(run_with_culprit(2, R"("overflow the stack")"), 2, SIGSEGV); }

TEST(LastWords, AThreadOfTheUsersOwnIsNoWorker) {
  expect_crash(run_with_culprit(1, R"("fault on a thread")"), protocol::kNoWorker, SIGSEGV);
}

TEST(LastWords, AllCrashingAtOnceIsOneReport) {
  const PackStory story = run_to_end(start_message("misbehave.so", std::vector<std::string>(48, R"({"do": "fault"})")));
  ASSERT_TRUE(story.crashed);
  EXPECT_LT(story.crashed->worker_id, 48u);
  EXPECT_EQ(story.crashed->signal, SIGSEGV);
  EXPECT_TRUE(WIFSIGNALED(story.wait_status));
}

TEST(LastWords, WhatWasPrintedBeforeACrashIsKept) {
  EXPECT_EQ(run_with_culprit(1, R"("print and fault")").output, "last words\n");
}

TEST(LastWords, ASignalFromOutsideIsNoCrash) {
  PackProcess pack(PackProcess::Socket::kGiven);
  pack.send(start_message("misbehave.so", {R"({"do": "wait"})"}));
  pack.wait_for_starts(1);
  kill(pack.pid(), SIGSEGV);
  const PackStory story = pack.finish();
  EXPECT_FALSE(story.crashed);
  ASSERT_TRUE(WIFSIGNALED(story.wait_status));
  EXPECT_EQ(WTERMSIG(story.wait_status), SIGSEGV);
}

TEST(LastWords, ExitEndsTheProcessAndNamesTheWorker) {
  const PackStory story = run_with_culprit(3, R"("exit", "code": 3)");
  ASSERT_TRUE(WIFEXITED(story.wait_status));
  EXPECT_EQ(WEXITSTATUS(story.wait_status), 3);
  ASSERT_TRUE(story.exited);
  EXPECT_EQ(story.exited->worker_id, 3u);
  EXPECT_EQ(story.exited->exit_code, 3);
}

TEST(LastWords, ExitByAConstructorIsReportedToo) {
  const PackStory story = run_to_end(start_message("exits_early.so", {"1"}));
  EXPECT_TRUE(WIFEXITED(story.wait_status));
  ASSERT_TRUE(story.exited);
  EXPECT_EQ(story.exited->worker_id, protocol::kNoWorker);
  EXPECT_EQ(story.exited->exit_code, 5);
}

TEST(LastWords, AnImmediateExitIsSilent) {
  const PackStory story = run_with_culprit(0, R"("_exit", "code": 4)");
  ASSERT_TRUE(WIFEXITED(story.wait_status));
  EXPECT_EQ(WEXITSTATUS(story.wait_status), 4);
  EXPECT_FALSE(story.exited);
  EXPECT_FALSE(story.crashed);
}

TEST(LastWords, EndingOnesThreadIsAnErrorOfTheWorkerInC) {
  const PackStory story = run_to_end(start_message("ends_its_thread.so", {"1", "2"}));
  ASSERT_TRUE(WIFEXITED(story.wait_status)) << story.output;
  for (std::uint32_t worker = 0; worker < 2; ++worker) {
    EXPECT_FALSE(story.result_of(worker).ok);
    EXPECT_NE(story.result_of(worker).result.find("pthread_exit"), std::string::npos);
  }
}

// glibc takes the SDK's catch (...) for a handler that keeps the thread alive, and aborts.
TEST(LastWords, EndingOnesThreadIsACrashInCpp) { expect_crash(run_with_culprit(2, R"("end the thread")"), 2, SIGABRT); }

}  // namespace
}  // namespace gust::pack
