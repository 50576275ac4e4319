// What an invoker sees of packs that end well.
#include "pack/run.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "base/clock.h"
#include "pack/pack_process.h"

namespace gust::pack {
namespace {

using Json = nlohmann::json;

void expect_finished_well(const PackStory& story, std::uint32_t workers) {
  ASSERT_FALSE(story.load_failed) << *story.load_failed;
  ASSERT_TRUE(WIFEXITED(story.wait_status)) << story.output;
  EXPECT_EQ(WEXITSTATUS(story.wait_status), 0) << story.output;
  EXPECT_FALSE(story.crashed);
  EXPECT_FALSE(story.exited);
  EXPECT_TRUE(story.loaded);
  EXPECT_EQ(story.started.size(), workers);
  EXPECT_EQ(story.finished.size(), workers);
}

class EveryWorkerRuns : public testing::TestWithParam<std::uint32_t> {};

TEST_P(EveryWorkerRuns, WithItsOwnParamsExactlyOnce) {
  std::vector<std::string> params;
  for (std::uint32_t i = 0; i < GetParam(); ++i) params.push_back("{\"index\":" + std::to_string(i) + "}");
  const std::int64_t before = to_micros(wall_now());
  const PackStory story = run_to_end(start_message("who.so", params));
  const std::int64_t after = to_micros(wall_now());
  expect_finished_well(story, GetParam());
  EXPECT_LE(before, story.loaded->entered_us);
  EXPECT_LE(story.loaded->entered_us, story.loaded->loaded_us);
  EXPECT_GT(story.loaded->peak_memory_bytes, 0u);
  for (std::uint32_t i = 0; i < GetParam(); ++i) {
    const protocol::WorkerFinish finish = story.result_of(i);
    ASSERT_TRUE(finish.ok) << finish.result;
    const Json result = Json::parse(finish.result);
    EXPECT_EQ(result["worker_id"], i);
    EXPECT_EQ(result["params"]["index"], i);
    const auto start = std::ranges::find(story.started, i, &protocol::WorkerStart::worker_id);
    ASSERT_NE(start, story.started.end());
    EXPECT_LE(story.loaded->loaded_us, start->started_us);
    EXPECT_LE(start->started_us, finish.function_started_us);
    EXPECT_LE(finish.function_started_us, finish.function_ended_us);
    EXPECT_LE(finish.function_ended_us, finish.ended_us);
    EXPECT_LE(finish.ended_us, after);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, EveryWorkerRuns, testing::Values(1, 2, 3, 48, 960));

TEST(Pack, ReportsInBatches) {
  const PackStory story = run_to_end(start_message("echo.so", std::vector<std::string>(960, "1")));
  expect_finished_well(story, 960);
  // One each when the machine is quick; one in 20 ms of its time when it is not. Never one a worker.
  EXPECT_LE(story.started_messages, 96u);
  EXPECT_LE(story.finished_messages, 96u);
}

TEST(Pack, ShowsAWorkerItsPlaceInTheBurst) {
  protocol::StartMessage start = start_message("who.so", {"10", "[]", "null"});
  start.burst_size = 9;
  start.pack_id = 1;
  start.pack_first_worker = {0, 2, 5};
  start.workers = {WorkerId(2), 3};
  start.invoker_id = 6;
  const PackStory story = run_to_end(start);
  expect_finished_well(story, 3);
  const Json result = Json::parse(story.result_of(4).result);
  EXPECT_EQ(result, Json({{"params", nullptr},
                          {"burst_id", start.flare_id},
                          {"worker_id", 4},
                          {"burst_size", 9},
                          {"pack_id", 1},
                          {"pack_size", 3},
                          {"pack_count", 3},
                          {"pack_leader", 2},
                          {"is_leader", false},
                          {"invoker_id", 6},
                          {"packs", {0, 0, 1, 1, 1, 2, 2, 2, 2}}}));
  EXPECT_EQ(Json::parse(story.result_of(2).result)["is_leader"], true);
}

TEST(Pack, HandsParamsOfAnySizeToAWorkerInC) {
  const std::vector<std::string> params = {"", "0", '"' + std::string(65'535, 'a') + '"',
                                           '"' + std::string(9'000'000, 'b') + '"'};
  const PackStory story = run_to_end(start_message("echo.so", params));
  expect_finished_well(story, 4);
  for (std::uint32_t i = 0; i < params.size(); ++i) EXPECT_TRUE(story.result_of(i).result == params[i]) << i;
}

TEST(Pack, ReportsResultsUpToTheLimitHoweverMany) {
  const std::string params = R"({"do": "return much", "bytes": )";
  const auto largest = protocol::kMaxResultBytes - 2;  // two quotes
  const PackStory story = run_to_end(
      start_message("misbehave.so", {params + std::to_string(largest) + "}", params + std::to_string(largest + 1) + "}",
                                     params + std::to_string(largest) + "}", params + "0}"}));
  expect_finished_well(story, 4);
  EXPECT_EQ(story.result_of(0).result.size(), protocol::kMaxResultBytes);
  EXPECT_EQ(story.result_of(2).result.size(), protocol::kMaxResultBytes);
  EXPECT_EQ(story.result_of(3).result, "\"\"");
  const protocol::WorkerFinish refused = story.result_of(1);
  EXPECT_FALSE(refused.ok);
  EXPECT_NE(refused.result.find("exceeds the limit of 16 MB"), std::string::npos) << refused.result;
}

TEST(Pack, AWorkersErrorIsItsOwn) {
  const PackStory story = run_to_end(
      start_message("misbehave.so", {R"({"do": "throw"})", R"({"do": "throw a number"})", R"({"do": "exhaust memory"})",
                                     R"({})", R"({"do": "ask for a missing worker"})", R"({"do": "return no UTF-8"})",
                                     R"({"do": "use threads", "threads": 5})", "no JSON"}));
  expect_finished_well(story, 8);
  const auto expect_error = [&](std::uint32_t worker, const char* text) {
    const protocol::WorkerFinish finish = story.result_of(worker);
    EXPECT_FALSE(finish.ok);
    EXPECT_NE(finish.result.find(text), std::string::npos) << finish.result;
  };
  expect_error(0, "the third shelf is empty");
  expect_error(1, "not a std::exception");
  expect_error(2, "out of memory");
  expect_error(3, "'do'");
  expect_error(4, "there is no worker 8: this burst has the workers 0 to 7");
  expect_error(5, "UTF-8");
  EXPECT_TRUE(story.result_of(6).ok);
  EXPECT_EQ(story.result_of(6).result, "10");
  expect_error(7, "parse error");
}

TEST(Pack, KeepsWhatIsPrintedToTheLast) {
  const PackStory story = run_to_end(start_message("misbehave.so", {R"({"do": "print"})"}));
  expect_finished_well(story, 1);
  EXPECT_EQ(story.output, "a line without its end and the end of it\n");
}

}  // namespace
}  // namespace gust::pack
