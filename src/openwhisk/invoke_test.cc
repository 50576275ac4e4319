#include "openwhisk/testing/api_fixture.h"

namespace gust::openwhisk {
namespace {

using store::FlareState;
using store::Invocation;
using store::WorkerState;

class InvokeTest : public ApiTest {
 protected:
  void SetUp() override { deploy("hello"); }

  http::Response post(const std::string& query, std::string body = "") {
    return send("POST", "/api/v1/namespaces/_/actions/hello" + query, std::move(body));
  }
  /// The controller accepts, and a blocking call finds this flare ended.
  store::FlareRecord& accept(std::uint32_t workers, std::uint32_t granularity,
                             Invocation invocation = Invocation::kSingle) {
    auto flare = test_flare(workers, granularity);
    flare->invocation = invocation;
    controller::FlareTicket ticket{flare->id, {}};
    for (const auto& activation : flare->activations) ticket.activations.push_back(activation.id);
    controller_.ticket = ticket;
    controller_.wait_answer = flare;
    return *flare;
  }
  static void end(store::FlareRecord& flare, FlareState state, ErrorCode code, std::string message) {
    flare.state = state;
    flare.cause = Error{code, std::move(message)};
    for (store::WorkerRecord& worker : flare.workers) worker.state = WorkerState::kLost;
  }
};

TEST_F(InvokeTest, ASingleInvocationIsAFlareOfOneWorker) {
  accept(1, 1);
  const auto answer = post("", R"({"a":1})");
  EXPECT_EQ(answer.status, 202U);
  EXPECT_EQ(answer.body, R"({"activationId":")" + test_id(0) + R"("})");
  EXPECT_EQ(answer.header("x-openwhisk-activation-id"), test_id(0));
  ASSERT_EQ(controller_.started.size(), 1U);
  const controller::FlareRequest& request = controller_.started[0];
  EXPECT_EQ(request.params, std::vector<std::string>{R"({"a":1})"});
  EXPECT_EQ(request.action->name, "hello");
  EXPECT_EQ(request.namespace_name, "guest");
  EXPECT_EQ(request.invocation, Invocation::kSingle);
  EXPECT_EQ(request.strategy, packing::Strategy::kHomogeneous);
  EXPECT_EQ(request.granularity, 1U);
  EXPECT_NE(request.received, WallTime());
  EXPECT_TRUE(controller_.waited.empty());
}

TEST_F(InvokeTest, ParametersGoOverTheActionsOwn) {
  deploy("hello", {{"parameters", {{{"key", "a"}, {"value", 1}}, {{"key", "b"}, {"value", 2}}}}});
  accept(1, 1);
  post("", R"({"b":3})");
  post("", "");
  EXPECT_EQ(controller_.started.at(0).params.at(0), R"({"a":1,"b":3})");
  EXPECT_EQ(controller_.started.at(1).params.at(0), R"({"a":1,"b":2})");
}

TEST_F(InvokeTest, BlockingGivesTheRecordOrTheBareResult) {
  accept(1, 1).workers[0].result = R"({"greeting":"hi"})";
  const auto record = post("?blocking=true");
  EXPECT_EQ(record.status, 200U);
  EXPECT_EQ(json(record)["response"]["result"], (Json{{"greeting", "hi"}}));
  EXPECT_EQ(record.header("x-openwhisk-activation-id"), test_id(0));
  const auto bare = post("?blocking=True&result=True");
  EXPECT_EQ(bare.status, 200U);
  EXPECT_EQ(bare.body, R"({"greeting":"hi"})");
  EXPECT_EQ(post("?result=true").status, 202U) << "not blocking";
}

TEST_F(InvokeTest, AWaitThatPassedIsA202) {
  accept(1, 1);
  controller_.wait_answer = fail(ErrorCode::kTimedOut, "not yet");
  const auto before = std::chrono::steady_clock::now();
  const auto answer = post("?blocking=true&timeout=1500");
  EXPECT_EQ(answer.status, 202U);
  EXPECT_EQ(json(answer)["activationId"], test_id(0));
  EXPECT_GE(controller_.wait_deadline, before + std::chrono::milliseconds(1500));
  EXPECT_LT(controller_.wait_deadline, before + std::chrono::milliseconds(31'500));
  post("?blocking=true");
  EXPECT_GE(controller_.wait_deadline, before + std::chrono::milliseconds(60'000));
  expect_error(post("?blocking=true&timeout=0"), 400, "timeout=0 is not a whole number of 1 to 60000");
  expect_error(post("?blocking=true&timeout=60001"), 400, "timeout=60001");
}

TEST_F(InvokeTest, AnApplicationErrorIsA502WithoutACode) {
  store::FlareRecord& flare = accept(1, 1);
  flare.workers[0].state = WorkerState::kReturnedError;
  flare.workers[0].result = "no \"name\" given";
  const auto record = post("?blocking=true");
  EXPECT_EQ(record.status, 502U);
  const Json body = json(record);
  EXPECT_FALSE(body.contains("code"));
  EXPECT_EQ(body["response"]["status"], "application error");
  EXPECT_EQ(body["response"]["success"], false);
  EXPECT_EQ(body["response"]["result"], (Json{{"error", "no \"name\" given"}}));
  const auto bare = post("?blocking=true&result=true");
  EXPECT_EQ(bare.status, 502U);
  EXPECT_EQ(bare.body, R"({"error":"no \"name\" given"})");
}

TEST_F(InvokeTest, CrashesAndTimeLimitsAreTheDevelopers) {
  for (const auto& [state, code] :
       {std::pair{FlareState::kFailed, ErrorCode::kCrashed}, std::pair{FlareState::kFailed, ErrorCode::kInvalid},
        std::pair{FlareState::kFailed, ErrorCode::kVersionMismatch},
        std::pair{FlareState::kTimedOut, ErrorCode::kTimedOut}}) {
    end(accept(1, 1), state, code, "worker 0 crashed: SIGSEGV");
    const auto record = post("?blocking=true");
    EXPECT_EQ(record.status, 502U) << to_string(code);
    EXPECT_EQ(json(record)["response"]["status"], "action developer error");
    EXPECT_EQ(post("?blocking=true&result=true").body, R"({"error":"worker 0 crashed: SIGSEGV"})");
  }
}

TEST_F(InvokeTest, ThePlatformsFaultsAre500) {
  for (const auto& [state, code] :
       {std::pair{FlareState::kFailed, ErrorCode::kUnavailable}, std::pair{FlareState::kFailed, ErrorCode::kInternal},
        std::pair{FlareState::kCancelled, ErrorCode::kCancelled}}) {
    end(accept(1, 1), state, code, "invoker 3 was lost");
    const auto answer = post("?blocking=true");
    expect_error(answer, 500, "invoker 3 was lost");
    EXPECT_EQ(answer.header("x-openwhisk-activation-id"), test_id(0));
  }
}

TEST_F(InvokeTest, WhatTheControllerRefusesIsAnError) {
  const std::pair<ErrorCode, unsigned> rows[] = {
      {ErrorCode::kNeverFits, 400U}, {ErrorCode::kBusy, 429U}, {ErrorCode::kUnavailable, 503U}};
  for (const auto& [code, status] : rows) {
    controller_.ticket = fail(code, "the cluster has 96 slots, 100 are needed");
    expect_error(post("?blocking=true"), status, "100 are needed");
  }
  accept(1, 1);
  controller_.wait_answer = fail(ErrorCode::kUnavailable, "the controller is shutting down");
  expect_error(post("?blocking=true"), 503, "shutting down");
}

TEST_F(InvokeTest, WrongRequestsNeverReachTheController) {
  expect_error(post("", "[1]"), 400, "not a JSON object");
  expect_error(post("", "{"), 400, "not JSON");
  expect_error(post("?blocking=yes"), 400, "blocking=yes is neither true nor false");
  expect_error(post("?granularity=4"), 400, "burst=true");
  expect_error(post("?join=true"), 400, "burst=true");
  expect_error(send("POST", "/api/v1/namespaces/_/actions/none"), 404, "no action none in namespace guest");
  expect_error(send("POST", "/api/v1/namespaces/_/actions/hello", "", "other:word"), 404, "namespace other");
  for (const char* granularity : {"0", "-1", "x", "1.5", "", "4294967296"}) {
    expect_error(post(std::string("?burst=true&granularity=") + granularity, R"({"value":[1]})"), 400, "granularity=");
  }
  expect_error(post("?burst=true&join=true", R"({"value":[1]})"), 400, "granularity");
  for (const char* chunk : {"0", "65537", "1MiB"}) {
    expect_error(post(std::string("?burst=true&chunk_size=") + chunk, R"({"value":[1]})"), 400, "chunk_size=");
  }
  expect_error(post("?backend=tcp", "{}"), 400, "burst=true");
  expect_error(post("?burst=true", R"({"value":[]})"), 400, "a flare needs at least one worker: \"value\" is empty");
  expect_error(post("?burst=true", R"({"value":5})"), 400, "not an array");
  expect_error(post("?burst=true", "{}"), 400, "missing");
  expect_error(post("?burst=true", ""), 400, "not JSON");
  EXPECT_TRUE(controller_.started.empty());
}

TEST_F(InvokeTest, ABurstIsOneFlare) {
  accept(4, 2, Invocation::kBurst);
  const auto answer = post("?burst=true&granularity=2&backend=redis&chunk_size=64&debug=true",
                           R"({"value":[{"i":0},{"i":1},{"i":2},{"i":3}]})");
  EXPECT_EQ(answer.status, 202U);
  EXPECT_EQ(answer.body,
            R"({"activationIds":[")" + test_id(0) + R"(",")" + test_id(1) + R"("],"flareId":")" + test_id(0) + R"("})");
  ASSERT_EQ(controller_.started.size(), 1U);
  EXPECT_EQ(controller_.started[0].params,
            (std::vector<std::string>{R"({"i":0})", R"({"i":1})", R"({"i":2})", R"({"i":3})"}));
  EXPECT_EQ(controller_.started[0].invocation, Invocation::kBurst);
  EXPECT_EQ(controller_.started[0].backend, "redis");
  EXPECT_EQ(controller_.started[0].chunk, Bytes(64 << 10));
}

TEST_F(InvokeTest, APayloadOfLithopsIsABurstOfItsCalls) {
  accept(4, 2, Invocation::kBurst);
  const auto answer = post("?burst=true&lithops=true&granularity=2&join=False",
                           R"({"func_key":"f","call_ids":["00000","00001"],"data_byte_ranges":[[0,4],[5,9]]})");
  EXPECT_EQ(answer.status, 202U) << answer.body;
  ASSERT_EQ(controller_.started.size(), 1U);
  EXPECT_EQ(controller_.started[0].params,
            (std::vector<std::string>{R"({"func_key":"f","call_ids":["00000"],"data_byte_ranges":[[0,4]]})",
                                      R"({"func_key":"f","call_ids":["00001"],"data_byte_ranges":[[5,9]]})"}));
  EXPECT_EQ(controller_.started[0].granularity, 2U);
  expect_error(post("?lithops=true", "{}"), 400, "add burst=true");
  expect_error(post("?burst=true&lithops=true", "{}"), 400, "\"call_ids\" is missing");
}

TEST_F(InvokeTest, GranularityAndJoinChooseTheStrategy) {
  accept(1, 1, Invocation::kBurst);
  const auto asked = [this](const std::string& query) {
    EXPECT_EQ(post("?burst=true" + query, R"({"value":[1]})").status, 202U) << query;
    return std::pair(controller_.started.back().strategy, controller_.started.back().granularity);
  };
  EXPECT_EQ(asked(""), std::pair(packing::Strategy::kHeterogeneous, 0U));
  EXPECT_EQ(asked("&granularity=12"), std::pair(packing::Strategy::kHomogeneous, 12U));
  EXPECT_EQ(asked("&granularity=12&join=False"), std::pair(packing::Strategy::kHomogeneous, 12U));
  EXPECT_EQ(asked("&granularity=12&join=True"), std::pair(packing::Strategy::kMixed, 12U));
}

TEST_F(InvokeTest, ABlockingBurstGivesAllResultsInWorkerOrder) {
  store::FlareRecord& flare = accept(3, 2, Invocation::kBurst);
  flare.workers[1].state = WorkerState::kReturnedError;
  flare.workers[1].result = "bad input";
  const std::string results = R"([{"worker":0},{"error":"bad input"},{"worker":2}])";
  const auto answer = post("?burst=true&granularity=2&blocking=true", R"({"value":[1,2,3]})");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, R"({"activationIds":[")" + test_id(0) + R"(",")" + test_id(1) + R"("],"flareId":")" +
                             test_id(0) + R"(","results":)" + results + "}");
  EXPECT_EQ(post("?burst=true&granularity=2&blocking=true&result=true", R"({"value":[1,2,3]})").body, results);
}

TEST_F(InvokeTest, ABlockingBurstThatFailedSaysWhy) {
  end(accept(3, 2, Invocation::kBurst), FlareState::kFailed, ErrorCode::kCrashed, "worker 2 crashed: SIGSEGV");
  const auto crashed = post("?burst=true&granularity=2&blocking=true", R"({"value":[1,2,3]})");
  EXPECT_EQ(crashed.status, 502U);
  EXPECT_EQ(json(crashed)["error"], "worker 2 crashed: SIGSEGV");
  EXPECT_EQ(json(crashed)["flareId"], test_id(0));
  end(accept(3, 2, Invocation::kBurst), FlareState::kFailed, ErrorCode::kUnavailable, "invoker 1 was lost");
  expect_error(post("?burst=true&granularity=2&blocking=true", R"({"value":[1,2,3]})"), 500, "invoker 1 was lost");
  controller_.wait_answer = fail(ErrorCode::kTimedOut, "not yet");
  EXPECT_EQ(post("?burst=true&granularity=2&blocking=true", R"({"value":[1,2,3]})").status, 202U);
}

TEST_F(InvokeTest, PriorityAndRetriesAreHandedOn) {
  deploy("hello");
  controller_.ticket = controller::FlareTicket{.id = FlareId(test_id(0)), .activations = {ActivationId(test_id(0))}};
  const std::string to = std::string(kOwn) + "/actions/hello";
  EXPECT_EQ(send("POST", to + "?burst=true&priority=-3&retries=2", R"({"value":[{}]})").status, 202U);
  EXPECT_EQ(send("POST", to).status, 202U);
  ASSERT_EQ(controller_.started.size(), 2U);
  EXPECT_EQ(controller_.started[0].priority, -3);
  EXPECT_EQ(controller_.started[0].retries, 2U);
  EXPECT_EQ(controller_.started[1].priority, 0);
  EXPECT_EQ(controller_.started[1].retries, 0U);
  expect_error(send("POST", to + "?priority=11"), 400, "priority=11 is not a whole number of -10 to 10");
  expect_error(send("POST", to + "?priority=high"), 400, "priority=high is not a whole number of -10 to 10");
  expect_error(send("POST", to + "?retries=101"), 400, "retries=101 is not a whole number of 0 to 100");
}

}  // namespace
}  // namespace gust::openwhisk
