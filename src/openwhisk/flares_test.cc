#include "openwhisk/testing/api_fixture.h"

namespace gust::openwhisk {
namespace {

using controller::Detail;
using store::FlareState;
using store::WorkerState;

class FlaresTest : public ApiTest {
 protected:
  static std::string at(const std::string& rest) { return "/api/v1/namespaces/_/flares" + rest; }
  static std::string with_id(std::uint32_t index, const std::string& rest = "") {
    return at("/" + test_id(index) + rest);
  }
};

TEST_F(FlaresTest, AnEndedFlareShowsEverything) {
  controller_.known = {{test_flare(3, 2), 0, ""}};
  EXPECT_EQ(
      send("GET", with_id(0)).body,
      R"({"id":")" + test_id(0) +
          R"(","action":"hello","state":"succeeded","cause":null,"burst_size":3,"granularity":2,)"
          R"("strategy":"homogeneous","backend":"tcp","chunk_bytes":1048576,)"
          R"("priority":0,"retries":0,"lost":[],)"
          R"("counts":{"started":3,"finished":3,"errors":0},"queue":null,)"
          R"("stamps":{"received":1000.000000,"queued":null,"reserved":1000.001000,"starting":1000.002000,)"
          R"("running":1000.020000,"finishing":1000.030000,"ended":1000.050000},)"
          R"("traffic":{"local_messages":2,"local_bytes":40,"remote_messages":600,"remote_bytes":10000000000},)"
          R"("activations":[{"id":")" +
          test_id(0) + R"(","first_worker":0,"workers":2},{"id":")" + test_id(1) +
          R"(","first_worker":2,"workers":1}],)"
          R"("packs":[{"pack":0,"invoker":0,"invoker_name":"invoker-0","first_worker":0,"workers":2,)"
          R"("state":"ended","pid":4242,"prewarmed":false,"cause":"finished","signal":0,"exit_code":0,"worker":null,"message":"",)"
          R"("received":1000.003000,"launched":1000.004000,"entered":1000.005000,"loaded":1000.010000,)"
          R"("ended":1000.042000,"cpu_ms":1.500,"peak_memory_bytes_at_start":0,"peak_memory_bytes":3145728,)"
          R"("traffic":{"local_messages":1,"local_bytes":20,"remote_messages":300,"remote_bytes":5000000000}},)"
          R"({"pack":1,"invoker":1,"invoker_name":"invoker-1","first_worker":2,"workers":1,)"
          R"("state":"ended","pid":4242,"prewarmed":false,"cause":"finished","signal":0,"exit_code":0,"worker":null,"message":"",)"
          R"("received":1000.003000,"launched":1000.004000,"entered":1000.005000,"loaded":1000.010000,)"
          R"("ended":1000.042000,"cpu_ms":1.500,"peak_memory_bytes_at_start":0,"peak_memory_bytes":3145728,)"
          R"("traffic":{"local_messages":1,"local_bytes":20,"remote_messages":300,"remote_bytes":5000000000}}],)"
          R"("workers":[{"worker":0,"pack":0,"state":"returned","started":1000.011000,)"
          R"("function_started":1000.012000,"function_ended":1000.040000,"ended":1000.041000,)"
          R"("peak_memory_bytes":3145728},{"worker":1,"pack":0,"state":"returned","started":1000.011001,)"
          R"("function_started":1000.012000,"function_ended":1000.040000,"ended":1000.041000,)"
          R"("peak_memory_bytes":3145728},{"worker":2,"pack":1,"state":"returned","started":1000.011002,)"
          R"("function_started":1000.012000,"function_ended":1000.040000,"ended":1000.041000,)"
          R"("peak_memory_bytes":3145728}]})");
  EXPECT_EQ(controller_.last_detail, Detail::kFull);
}

TEST_F(FlaresTest, TheSummaryLeavesOutPacksAndWorkers) {
  controller_.known = {{test_flare(3, 2), 0, ""}};
  const Json summary = get(with_id(0, "?detail=summary"));
  EXPECT_FALSE(summary.contains("packs"));
  EXPECT_FALSE(summary.contains("workers"));
  EXPECT_EQ(summary["activations"].size(), 2U);
  EXPECT_EQ(controller_.last_detail, Detail::kSummary);
  expect_error(send("GET", with_id(0, "?detail=some")), 400, "detail=some is neither summary nor full");
}

TEST_F(FlaresTest, ResultsComeOnlyWhenAsked) {
  auto flare = test_flare(3, 3);
  flare->workers[1].state = WorkerState::kReturnedError;
  flare->workers[1].result = "bad";
  flare->workers[2].state = WorkerState::kRunning;
  flare->workers[2].result.clear();
  controller_.known = {{flare, 0, ""}};
  EXPECT_FALSE(get(with_id(0))["workers"][0].contains("result"));
  const Json workers = get(with_id(0, "?results=true"))["workers"];
  EXPECT_EQ(workers[0]["result"], (Json{{"worker", 0}}));
  EXPECT_EQ(workers[1]["result"], (Json{{"error", "bad"}}));
  EXPECT_TRUE(workers[2]["result"].is_null());
}

TEST_F(FlaresTest, AQueuedFlareShowsItsPlaceAndWhy) {
  auto flare = test_flare(2, 2);
  flare->state = FlareState::kQueued;
  flare->strategy = packing::Strategy::kHeterogeneous;
  flare->packs.clear();
  for (auto& worker : flare->workers) worker = {};
  controller_.known = {{flare, 3, "2 slots are needed, 1 is free"}};
  const Json body = get(with_id(0));
  EXPECT_EQ(body["state"], "queued");
  EXPECT_TRUE(body["granularity"].is_null());
  EXPECT_EQ(body["strategy"], "heterogeneous");
  EXPECT_EQ(body["queue"],
            (Json{{"position", 3}, {"reason", "2 slots are needed, 1 is free"}, {"starts_within", nullptr}}));
  EXPECT_TRUE(body["workers"][0]["pack"].is_null());
  EXPECT_TRUE(body["workers"][0]["started"].is_null());
  EXPECT_EQ(body["workers"][0]["state"], "waiting");
}

TEST_F(FlaresTest, AFailedFlareNamesTheCauseTheWorkerAndTheSignal) {
  auto flare = test_flare(4, 2);
  flare->state = FlareState::kFailed;
  flare->cause = Error{ErrorCode::kCrashed, "worker 3 crashed: SIGSEGV"};
  flare->packs[1].cause = store::PackCause::kWorkerCrashed;
  flare->packs[1].signal = 11;
  flare->packs[1].culprit = WorkerId(3);
  flare->packs[1].message = "worker 3 crashed: \"SIGSEGV\"";
  controller_.known = {{flare, 0, ""}};
  const Json body = get(with_id(0));
  EXPECT_EQ(body["cause"], (Json{{"code", "crashed"}, {"message", "worker 3 crashed: SIGSEGV"}}));
  EXPECT_EQ(body["packs"][1]["cause"], "worker_crashed");
  EXPECT_EQ(body["packs"][1]["signal"], 11);
  EXPECT_EQ(body["packs"][1]["worker"], 3);
  EXPECT_EQ(body["packs"][1]["message"], "worker 3 crashed: \"SIGSEGV\"");
}

TEST_F(FlaresTest, ALongPollAnswersWithTheEndOrWithTheStateAsItIs) {
  auto running = test_flare(2, 2);
  running->state = FlareState::kRunning;
  controller_.known = {{running, 0, ""}};
  controller_.wait_answer = fail(ErrorCode::kTimedOut, "not yet");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(get(with_id(0, "?wait=20"))["state"], "running");
  EXPECT_GE(controller_.wait_deadline, before + std::chrono::seconds(20));
  EXPECT_EQ(get(with_id(0, "?wait=0.25"))["state"], "running");
  EXPECT_LT(controller_.wait_deadline, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  controller_.wait_answer = test_flare(2, 2);
  const Json ended = get(with_id(0, "?wait=60&detail=summary"));
  EXPECT_EQ(ended["state"], "succeeded");
  EXPECT_FALSE(ended.contains("workers"));
  controller_.wait_answer = fail(ErrorCode::kNotFound, "there is no flare");
  expect_error(send("GET", with_id(0, "?wait=1")), 404, "there is no flare");
  const auto asked = controller_.waited.size();
  EXPECT_EQ(get(with_id(0, "?wait=0"))["state"], "running");
  expect_error(send("GET", with_id(0, "?wait=61")), 400, "wait=61 is not a number of seconds from 0 to 60");
  for (const char* wrong : {"-1", "", "nan", "1s", "60.001"}) {
    expect_error(send("GET", with_id(0, std::string("?wait=") + wrong)), 400, std::string("wait=") + wrong);
  }
  EXPECT_EQ(controller_.waited.size(), asked);
}

TEST_F(FlaresTest, UnknownIs404AndABadIdIs400) {
  controller_.known = {{test_flare(1, 1), 0, ""}};
  expect_error(send("GET", with_id(7)), 404, "there is no flare");
  expect_error(send("GET", with_id(0), "", "other:word"), 404, "there is no flare");
  expect_error(send("GET", at("/xyz")), 400, "\"xyz\" is not a flare id");
  expect_error(send("DELETE", at("/xyz")), 400, "\"xyz\" is not a flare id");
}

TEST_F(FlaresTest, ListsActiveOnesFirst) {
  for (std::uint32_t id : {20U, 30U}) {
    auto active = test_flare(1, 1, id);
    active->state = FlareState::kRunning;
    controller_.known.push_back({active, 0, ""});
  }
  flares_.add(test_flare(1, 1, 10));
  flares_.add(test_flare(1, 1, 20));  // ended between the two looks
  const auto ids = [this](const std::string& query) {
    std::vector<std::string> found;
    for (const Json& flare : get(at(query))) found.push_back(flare["id"]);
    return found;
  };
  EXPECT_EQ(ids(""), (std::vector{test_id(20), test_id(30), test_id(10)}));
  EXPECT_EQ(ids("?limit=1"), std::vector{test_id(20)});
  EXPECT_EQ(ids("?skip=1&limit=1"), std::vector{test_id(30)});
  EXPECT_EQ(ids("?skip=3"), std::vector{test_id(10)});
  EXPECT_FALSE(get(at(""))[0].contains("workers"));
  expect_error(send("GET", at("?limit=999")), 400, "limit=999");
  EXPECT_EQ(json(send("GET", at(""), "", "other:word")).size(), 0U);
}

TEST_F(FlaresTest, CancelAnswersWithTheEndedFlare) {
  auto flare = test_flare(2, 2);
  flare->state = FlareState::kCancelled;
  flare->cause = Error{ErrorCode::kCancelled, "cancelled by its user"};
  controller_.cancel_answer = flare;
  const auto answer = send("DELETE", with_id(0));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(json(answer)["state"], "cancelled");
  EXPECT_EQ(json(answer)["cause"]["code"], "cancelled");
  EXPECT_EQ(controller_.cancelled, std::vector{FlareId(test_id(0))});
}

TEST_F(FlaresTest, WhatHasEndedOrNeverWasCannotBeCancelled) {
  expect_error(send("DELETE", with_id(0)), 404, "there is no such flare");
  flares_.add(test_flare(1, 1));
  expect_error(send("DELETE", with_id(0)), 409, "has ended already (succeeded)");
  expect_error(send("DELETE", with_id(0), "", "other:word"), 404, "there is no such flare");
}

TEST_F(FlaresTest, TheQueueIsThoseThatWait) {
  auto waits = test_flare(2, 2);
  waits->state = FlareState::kQueued;
  waits->priority = 3;
  controller_.known = {{test_flare(3, 2), 0, ""}, {waits, 4, "3 flares are ahead of it"}};
  controller_.known[1].starts_within = std::chrono::milliseconds(1500);
  const Json queue = get("/api/v1/namespaces/_/queue");
  ASSERT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue[0]["queue"], (Json{{"position", 4}, {"reason", "3 flares are ahead of it"}, {"starts_within", 1.5}}));
  EXPECT_EQ(queue[0]["priority"], 3);
  EXPECT_EQ(json(send("GET", "/api/v1/namespaces/_/queue", "", "other:word")), Json::array());
}

TEST_F(FlaresTest, LostAttemptsAreShown) {
  auto flare = test_flare(3, 2);
  flare->retries = 2;
  flare->lost = {{from_micros(1'000'000), from_micros(2'500'000), "invoker 1 (b) was lost"}};
  controller_.known = {{flare, 0, ""}};
  const Json shown = get(with_id(0));
  EXPECT_EQ(shown["retries"], 2);
  EXPECT_EQ(shown["lost"], (Json{{{"started", 1.0}, {"ended", 2.5}, {"cause", "invoker 1 (b) was lost"}}}));
}

TEST_F(FlaresTest, InvokersAreDrainedByTheOperatorOnly) {
  const std::string drain = "/api/v1/gust/invokers/node-1/drain";
  expect_error(send("POST", drain, "", "root:secret"), 404, "there is no such invoker");
  controller::InvokerStatus drained;
  drained.id = InvokerId(1);
  drained.name = "node-1";
  drained.drained = true;
  controller_.use_answer = drained;
  EXPECT_EQ(json(send("POST", drain, "", "root:secret"))["drained"], true);
  EXPECT_EQ(send("POST", "/api/v1/gust/invokers/1/uncordon", "", "root:secret").status, 200U);
  using controller::InvokerUse;
  EXPECT_EQ(controller_.uses,
            (std::vector<std::pair<std::string, InvokerUse>>{
                {"node-1", InvokerUse::kDrained}, {"node-1", InvokerUse::kDrained}, {"1", InvokerUse::kOpen}}));
  expect_error(send("POST", drain), 403, "this is the operator's");
  expect_error(send("POST", drain, "", ""), 401, "no API key");
}

}  // namespace
}  // namespace gust::openwhisk
