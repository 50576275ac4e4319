// Workers of one pack that talk to each other, through the C ABI and the C++ headers over it.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "pack/pack_process.h"

namespace gust::pack {
namespace {

using Json = nlohmann::json;

PackStory talk(const std::vector<std::string>& params) { return run_to_end(start_message("talk.so", params)); }

void expect_error(const PackStory& story, std::uint32_t worker, const std::string& text) {
  const protocol::WorkerFinish finish = story.result_of(worker);
  EXPECT_FALSE(finish.ok) << finish.result;
  EXPECT_NE(finish.result.find(text), std::string::npos) << finish.result;
}

class Talk : public testing::TestWithParam<std::uint32_t> {};

TEST_P(Talk, EveryOperationInOnePack) {
  const std::uint32_t workers = GetParam();
  const PackStory story = talk(std::vector<std::string>(workers, R"({"do": "everything"})"));
  ASSERT_EQ(story.finished.size(), workers) << story.output;
  for (std::uint32_t id = 0; id < workers; ++id) {
    const protocol::WorkerFinish finish = story.result_of(id);
    ASSERT_TRUE(finish.ok) << finish.result;
    const Json result = Json::parse(finish.result);
    EXPECT_EQ(result["same address"], true);
    EXPECT_EQ(result["all_to_all"], std::vector<std::uint32_t>(workers, id % 3));
    EXPECT_EQ(result["broadcast"], workers - 1);
    EXPECT_EQ(result["sum"], workers * (workers - 1) / 2);
    EXPECT_EQ(result["largest"], id == workers - 1 ? Json({workers - 1, 0}) : Json::array());
    EXPECT_EQ(result["first"], workers > 1 ? 1 : 0);
    EXPECT_EQ(result["gather"].size(), id == 0 ? workers / 2 : 0);
    EXPECT_EQ(result["all_gather"], workers);
    EXPECT_EQ(result["scatter"], id % 3);
    EXPECT_EQ(result["shared"], workers);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Talk, testing::Values(1, 2, 3, 48, 200));

TEST_P(Talk, EveryOperationStartedInOnePack) {
  const std::uint32_t workers = GetParam();
  const PackStory story = talk(std::vector<std::string>(workers, R"({"do": "started"})"));
  ASSERT_EQ(story.finished.size(), workers) << story.output;
  for (std::uint32_t id = 0; id < workers; ++id) {
    const protocol::WorkerFinish finish = story.result_of(id);
    ASSERT_TRUE(finish.ok) << finish.result;
    const Json result = Json::parse(finish.result);
    EXPECT_EQ(result["first"], 1);
    EXPECT_EQ(result["second"], 2);
    EXPECT_EQ(result["third"], 3);
    EXPECT_EQ(result["waited for"], true);
    EXPECT_EQ(result["in between"], workers);
    EXPECT_EQ(result["all_to_all"], std::vector<std::uint32_t>(workers, id % 3));
    EXPECT_EQ(result["broadcast"], workers - 1);
    EXPECT_EQ(result["sum"], workers * (workers - 1) / 2);
    EXPECT_EQ(result["largest"], id == workers - 1 ? Json({workers - 1, 0}) : Json::array());
    EXPECT_EQ(result["gather"], id == 0 ? workers : 0);
    EXPECT_EQ(result["all_gather"], workers);
    EXPECT_EQ(result["scatter"], id % 3);
    EXPECT_EQ(result["again"], "there is nothing to wait for: it was given before");
  }
}

TEST_P(Talk, AWorkerInC) {
  const std::uint32_t workers = GetParam();
  const PackStory story = run_to_end(start_message("talk_in_c.so", std::vector<std::string>(workers, "null")));
  ASSERT_EQ(story.finished.size(), workers) << story.output;
  for (std::uint32_t id = 0; id < workers; ++id) {
    const protocol::WorkerFinish finish = story.result_of(id);
    ASSERT_TRUE(finish.ok) << finish.result;
    const std::uint32_t sum = workers * (workers - 1) / 2;
    EXPECT_EQ(Json::parse(finish.result), Json({(id + workers - 1) % workers, 0, sum, sum}));
  }
}

TEST(Talk, WhatIsStartedAndDroppedGoesOn) {
  const PackStory story = talk(std::vector<std::string>(3, R"({"do": "dropped"})"));
  for (const std::uint32_t worker : {1, 2}) EXPECT_EQ(story.result_of(worker).result, "[100000,42]");
}

TEST(Talk, AFailedWorkersStartedCallsHoldNobodyUp) {
  const PackStory story = talk({R"({"do": "start and fail", "peer": 2})", R"({"do": "receive", "peer": 0})",
                                R"({"do": "receive", "peer": 1})", R"({"do": "barrier"})"});
  expect_error(story, 1, "worker 0 has ended: it failed: no such file");
  expect_error(story, 2, "worker 1 has ended");
  expect_error(story, 3, "worker 0 has ended (it failed: no such file) while a collective that it had started");
}

TEST(Talk, WaitingForAMomentLeavesItAsItIs) {
  const PackStory story = talk({R"({"do": "patient", "peer": 1})", R"({"do": "patient", "peer": 0})"});
  EXPECT_EQ(Json::parse(story.result_of(0).result),
            Json({false, false, "timed out: worker 0 waited for a message from worker 1",
                  "timed out: a barrier waited for worker 1", 7}));
}

TEST(Talk, AStartedOperationHasItsOwnLimit) {
  const PackStory story =
      talk({R"({"do": "barrier later", "limit_us": 1000})", R"({"do": "receive", "peer": 0, "limit_us": 3000000})"});
  expect_error(story, 0, "timed out: a barrier waited for worker 1");
}

TEST(Talk, ACrashInAnOperatorOfAStartedOperationNamesAWorker) {
  const PackStory story = talk(std::vector<std::string>(2, R"({"do": "crash in an operator"})"));
  ASSERT_TRUE(story.crashed) << story.output;
  EXPECT_EQ(story.crashed->signal, SIGSEGV);
  EXPECT_LT(story.crashed->worker_id, 2u);
}

TEST(Talk, MemoryIsSharedByKey) {
  const PackStory story = talk(std::vector<std::string>(5, R"({"do": "shared"})"));
  for (std::uint32_t id = 0; id < 5; ++id) {
    const protocol::WorkerFinish finish = story.result_of(id);
    ASSERT_TRUE(finish.ok) << finish.result;
    Json result = Json::parse(finish.result);
    EXPECT_EQ(result["places"], Json({0, 1, 2, 3, 4}));
    EXPECT_EQ(result["another size"], "shared memory 'counts' has 400 bytes and was asked for with 404");
    EXPECT_NE(result["too much"].get<std::string>().find("no memory for the 4611686018427387904 bytes"),
              std::string::npos);
    for (const char* what : {"zero at first", "the same", "another key", "nothing", "aligned"}) {
      EXPECT_EQ(result[what], true) << what;
    }
  }
}

TEST(Talk, APackTellsWhatItsWorkersHaveSent) {
  const PackStory story = talk(std::vector<std::string>(3, R"({"do": "one", "operation": "ring", "bytes": 100})"));
  ASSERT_TRUE(story.traffic);
  EXPECT_EQ(story.traffic->local_messages, 3u);
  EXPECT_EQ(story.traffic->local_bytes, 300u);
  EXPECT_EQ(story.traffic->remote_messages, 0u);
  EXPECT_FALSE(talk({R"({"do": "return"})"}).traffic) << "who does not talk pays nothing";
}

TEST(Talk, ATimeOutNamesWhomItWaitedFor) {
  const PackStory story = talk(
      {R"({"do": "receive", "peer": 1, "limit_us": 1000})", R"({"do": "receive", "peer": 0, "limit_us": 300000})"});
  expect_error(story, 0, "timed out: worker 0 waited for a message from worker 1");
}

TEST(Talk, AWorkerThatEndsWakesThoseThatWaitForIt) {
  const PackStory story =
      talk({R"({"do": "fail"})", R"({"do": "receive", "peer": 0})", R"({"do": "receive", "peer": 1})"});
  expect_error(story, 0, "no such file");
  expect_error(story, 1, "worker 0 has ended: it failed: no such file; worker 1 waited for a message from it");
  expect_error(story, 2, "worker 1 has ended: it failed: worker 0 has ended");
}

TEST(Talk, ACollectiveFailsWhenAWorkerEndsWithoutIt) {
  const PackStory story = talk({R"({"do": "barrier"})", R"({"do": "return"})", R"({"do": "barrier"})"});
  for (const std::uint32_t worker : {0, 2}) {
    expect_error(story, worker, "worker 1 has ended (it returned) without taking part in a collective");
  }
}

TEST(Talk, WorkersThatCallDifferentOperationsAreToldSo) {
  const PackStory story = talk({R"({"do": "barrier"})", R"({"do": "sum"})"});
  for (const std::uint32_t worker : {0, 1}) expect_error(story, worker, "all workers must call the same operations");
}

TEST(Talk, NobodyIsLeftToReceiveFrom) {
  const PackStory story = talk({R"({"do": "receive from any"})", R"({"do": "return"})", R"({"do": "return"})"});
  expect_error(story, 0, "all other workers have ended; worker 0 waited for a message from any");
}

TEST(Talk, WhatWasSentBeforeTheEndArrives) {
  const PackStory story = talk({R"({"do": "receive", "peer": 1})", R"({"do": "send", "peer": 0})"});
  EXPECT_EQ(story.result_of(0).result, "1");
}

TEST(Talk, AWrongCallIsTheCallersErrorAlone) {
  const PackStory story = talk({R"({"do": "send to nobody"})", R"({"do": "try", "peer": 1})"});
  expect_error(story, 0, "there is no worker 2: this burst has the workers 0 to 1");
  EXPECT_EQ(story.result_of(1).result, "false");
}

// Pack 0 of two, each with one worker; the other one does not exist.
PackStory one_of_two(const std::string& params) {
  protocol::StartMessage start = start_message("talk.so", {params});
  start.burst_size = 2;
  start.pack_first_worker = {0, 1};
  start.peer_host = "127.0.0.1";
  start.peer_token = std::string(32, 't');
  return run_to_end(start);
}

TEST(Talk, APackListensOnlyWhenAWorkerHasToDoWithAnotherPack) {
  EXPECT_FALSE(one_of_two(R"({"do": "return"})").peer_address);
  const PackStory story = one_of_two(R"({"do": "receive", "peer": 1, "limit_us": 1000})");
  expect_error(story, 0, "timed out: worker 0 waited for a message from worker 1");
  ASSERT_TRUE(story.peer_address);
  EXPECT_TRUE(story.peer_address->contains("tcp:127.0.0.1:")) << *story.peer_address;
}

}  // namespace
}  // namespace gust::pack
