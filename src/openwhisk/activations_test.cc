#include "openwhisk/testing/api_fixture.h"

namespace gust::openwhisk {
namespace {

using store::FlareState;
using store::Invocation;
using store::WorkerState;

class ActivationsTest : public ApiTest {
 protected:
  static std::string at(const std::string& rest) { return "/api/v1/namespaces/_/activations" + rest; }
  static std::string with_id(std::uint32_t index, const std::string& rest = "") {
    return at("/" + test_id(index) + rest);
  }
  void store(const std::shared_ptr<store::FlareRecord>& flare) { flares_.add(flare); }
};

TEST_F(ActivationsTest, TheRecordIsOpenWhisks) {
  auto flare = test_flare(1, 1);
  flare->invocation = Invocation::kSingle;
  flare->packs[0].logs = {{WallTime(std::chrono::microseconds(1'000'011'000'000)), false, "hello"},
                          {WallTime(std::chrono::microseconds(1'000'011'000'001)), true, "say \"x\""}};
  store(flare);
  EXPECT_EQ(
      send("GET", with_id(0)).body,
      R"({"namespace":"guest","name":"hello","version":"0.0.1","subject":"guest","activationId":")" + test_id(0) +
          R"(","start":1000002,"end":1000042,"duration":40,"publish":false,"annotations":[)"
          R"({"key":"path","value":"guest/hello"},{"key":"kind","value":"cpp:1"},)"
          R"({"key":"limits","value":{"timeout":60000,"memory":256,"logs":10,"processes":256,"openFiles":1024,"cpu":100}},)"
          R"({"key":"waitTime","value":2},{"key":"initTime","value":7}],)"
          R"("logs":["1970-01-12T13:46:51.000000Z stdout: hello",)"
          R"("1970-01-12T13:46:51.000001Z stderr: say \"x\""],)"
          R"("response":{"status":"success","success":true,"result":{"worker":0},"size":12}})");
}

TEST_F(ActivationsTest, OneOfManyPacksNamesItsFlare) {
  store(test_flare(4, 2));
  EXPECT_FALSE(get(with_id(0)).contains("cause"));
  const Json second = get(with_id(1));
  EXPECT_EQ(second["cause"], test_id(0));
  EXPECT_EQ(dump_json(second["response"]["result"]), R"([{"worker":2},{"worker":3}])");
}

TEST_F(ActivationsTest, ResultAndLogsAlone) {
  auto flare = test_flare(2, 2);
  flare->packs[0].logs = {{WallTime(), false, "x"}};
  store(flare);
  EXPECT_EQ(send("GET", with_id(0, "/result")).body,
            R"({"result":[{"worker":0},{"worker":1}],"success":true,"status":"success"})");
  EXPECT_EQ(send("GET", with_id(0, "/logs")).body, R"({"logs":["1970-01-01T00:00:00.000000Z stdout: x"]})");
}

TEST_F(ActivationsTest, LogsCanBeFollowedFromALineOn) {
  controller_.log_answer =
      controller::LogPage{.lines = {{WallTime(), true, "x"}, {WallTime(), false, "y"}}, .next = 7, .ended = false};
  EXPECT_EQ(send("GET", with_id(3, "/logs?follow=true&from=5")).body,
            R"({"logs":["1970-01-01T00:00:00.000000Z stderr: x","1970-01-01T00:00:00.000000Z stdout: y"],)"
            R"("next":7,"ended":false})");
  ASSERT_EQ(controller_.logs_read.size(), 1U);
  EXPECT_EQ(controller_.logs_read[0].first, "guest");
  EXPECT_EQ(std::get<ActivationId>(controller_.logs_read[0].second.of), ActivationId(test_id(3)));
  EXPECT_EQ(controller_.logs_read[0].second.from, 5U);
  EXPECT_EQ(send("GET", with_id(3, "/logs?follow=true&from=-1")).status, 400);
  EXPECT_EQ(send("GET", with_id(3, "/logs?follow=perhaps")).status, 400);
  EXPECT_EQ(send("GET", at("/x/logs?follow=true")).status, 400);
  controller_.log_answer = fail(ErrorCode::kNotFound, "there is no such activation");
  EXPECT_EQ(send("GET", with_id(3, "/logs?follow=true")).status, 404);
  // What the controller has no more in memory the store has.
  auto flare = test_flare(2, 2);
  flare->packs[0].logs = {{WallTime(), false, "old"}, {WallTime(), false, "older"}};
  store(flare);
  EXPECT_EQ(send("GET", with_id(0, "/logs?follow=true&from=1")).body,
            R"({"logs":["1970-01-01T00:00:00.000000Z stdout: older"],"next":2,"ended":true})");
}

TEST_F(ActivationsTest, AFlaresLogsAreThoseOfAllItsPacks) {
  controller_.log_answer = controller::LogPage{.lines = {}, .next = 0, .ended = true};
  const std::string path = "/api/v1/namespaces/_/flares/" + test_id(2) + "/logs";
  EXPECT_EQ(send("GET", path).body, R"({"logs":[],"next":0,"ended":true})");
  EXPECT_EQ(std::get<FlareId>(controller_.logs_read.at(0).second.of), FlareId(test_id(2)));
}

TEST_F(ActivationsTest, AWorkersErrorIsTheActivationsOwn) {
  auto flare = test_flare(4, 2);
  flare->workers[3].state = WorkerState::kReturnedError;
  flare->workers[3].result = "no";
  store(flare);
  EXPECT_EQ(get(with_id(0))["response"]["status"], "success");
  const Json second = get(with_id(1, "/result"));
  EXPECT_EQ(dump_json(second),
            R"({"result":[{"worker":2},{"error":"no"}],"success":false,"status":"application error"})");
}

TEST_F(ActivationsTest, AFailedFlareFailsAllItsActivationsWithTheCause) {
  const std::tuple<FlareState, ErrorCode, const char*, int> rows[] = {
      {FlareState::kFailed, ErrorCode::kCrashed, "action developer error", 2},
      {FlareState::kFailed, ErrorCode::kInvalid, "action developer error", 2},
      {FlareState::kTimedOut, ErrorCode::kTimedOut, "action developer error", 2},
      {FlareState::kFailed, ErrorCode::kUnavailable, "whisk internal error", 3},
      {FlareState::kFailed, ErrorCode::kInternal, "whisk internal error", 3},
      {FlareState::kCancelled, ErrorCode::kCancelled, "whisk internal error", 3},
  };
  std::uint32_t id = 0;
  for (const auto& [state, code, status, number] : rows) {
    auto flare = test_flare(4, 2, id);
    flare->state = state;
    flare->cause = Error{code, "because of x"};
    store(flare);
    for (std::uint32_t index = id; index < id + 2; ++index) {
      const Json result = get(with_id(index, "/result"));
      EXPECT_EQ(result["status"], status);
      EXPECT_EQ(result["success"], false);
      EXPECT_EQ(dump_json(result["result"]), R"({"error":"because of x"})");
    }
    EXPECT_EQ(get(at("?limit=1"))[0]["statusCode"], number);
    id += 10;
  }
}

TEST_F(ActivationsTest, ABurstsResultIsNeverEmpty) {
  auto flare = test_flare(1, 1);
  flare->workers[0].result = "{}";
  store(flare);
  EXPECT_EQ(dump_json(get(with_id(0, "/result"))["result"]), "[{}]");
  auto cancelled = test_flare(1, 1, 5);
  cancelled->state = FlareState::kCancelled;
  cancelled->packs.clear();
  cancelled->workers[0].state = WorkerState::kLost;
  store(cancelled);
  const Json result = get(with_id(5, "/result"))["result"];
  EXPECT_TRUE(result.is_object() && result.contains("error"));
}

TEST_F(ActivationsTest, AnObjectWithAnErrorIsAnApplicationErrorOfASingleInvocation) {
  std::uint32_t id = 0;
  for (const auto& [result, status] :
       {std::pair(R"({"error":"no shelf"})", "application error"),
        std::pair(R"({"a":1,"error":{"code":7}})", "application error"), std::pair(R"({"a":{"error":1}})", "success"),
        std::pair(R"(["error"])", "success")}) {
    auto flare = test_flare(1, 1, id);
    flare->invocation = Invocation::kSingle;
    flare->workers[0].result = result;
    store(flare);
    const Json response = get(with_id(id++))["response"];
    EXPECT_EQ(response["status"], status) << result;
    EXPECT_EQ(response["result"], Json::parse(result));
  }
  auto burst = test_flare(1, 1, id);
  burst->workers[0].result = R"({"error":"no shelf"})";
  store(burst);
  EXPECT_EQ(get(with_id(id))["response"]["status"], "success") << "one result among others";
}

TEST_F(ActivationsTest, AnInvocationsResultThatIsNoObjectOrArrayIsADeveloperError) {
  std::uint32_t id = 0;
  for (const char* result : {"5", "null", "true", "\"text\"", "", "  "}) {
    auto flare = test_flare(1, 1, id);
    flare->invocation = Invocation::kSingle;
    flare->workers[0].result = result;
    store(flare);
    const Json response = get(with_id(id++))["response"];
    EXPECT_EQ(response["status"], "action developer error") << result;
    EXPECT_EQ(response["success"], false);
    const std::string sentence = response["result"]["error"];
    EXPECT_NE(sentence.find("must be an object or an array"), std::string::npos) << sentence;
  }
  auto burst = test_flare(1, 1, id);
  burst->workers[0].result = "5";
  store(burst);
  EXPECT_EQ(dump_json(get(with_id(id, "/result"))["result"]), "[5]");
  EXPECT_EQ(get(with_id(id))["response"]["status"], "success");
}

TEST_F(ActivationsTest, AResultThatIsNotJsonDoesNotBreakTheRecord) {
  auto flare = test_flare(2, 2);
  flare->workers[1].result = "{\"a\":";
  store(flare);
  const Json result = get(with_id(0))["response"]["result"];
  EXPECT_EQ(result[0], (Json{{"worker", 0}}));
  EXPECT_TRUE(result[1].contains("error"));
}

TEST_F(ActivationsTest, AFlareThatNeverStartedHasNoInitTime) {
  auto flare = test_flare(1, 1);
  flare->state = FlareState::kCancelled;
  flare->cause = Error{ErrorCode::kCancelled, "cancelled by its user"};
  flare->packs.clear();
  const WallTime received = flare->stamps.received;
  flare->stamps = {};
  flare->stamps.received = received;
  flare->stamps.ended = received + std::chrono::seconds(3);
  store(flare);
  const Json record = get(with_id(0));
  EXPECT_EQ(record["start"], 1'000'000);
  EXPECT_EQ(record["duration"], 3000);
  for (const Json& annotation : record["annotations"]) EXPECT_NE(annotation["key"], "initTime");
}

TEST_F(ActivationsTest, UnknownOrRunningIs404AndABadIdIs400) {
  store(test_flare(1, 1));
  for (const char* rest : {"", "/logs", "/result"}) {
    expect_error(send("GET", with_id(99, rest)), 404, "does not exist, or has not ended yet");
    expect_error(send("GET", with_id(0, rest), "", "other:word"), 404, "does not exist");
    for (const std::string& bad : {std::string("abc"), std::string(32, 'A'), std::string(33, 'a')}) {
      expect_error(send("GET", at("/" + bad + rest)), 400, "32 lower-case hex digits");
    }
  }
}

TEST_F(ActivationsTest, BriefsAreOpenWhisks) {
  store(test_flare(4, 2));
  const Json all = get(at(""));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(
      dump_json(all[1]),
      R"({"namespace":"guest","name":"hello","version":"0.0.1","publish":false,"annotations":[)"
      R"({"key":"path","value":"guest/hello"},{"key":"kind","value":"cpp:1"},)"
      R"({"key":"limits","value":{"timeout":60000,"memory":256,"logs":10,"processes":256,"openFiles":1024,"cpu":100}},)"
      R"({"key":"waitTime","value":2},{"key":"initTime","value":7}],"activationId":")" +
          test_id(1) + R"(","start":1000002,"end":1000042,"duration":40,"statusCode":0,"cause":")" + test_id(0) +
          R"("})");
  EXPECT_TRUE(get(at("?docs=true"))[0].contains("response"));
}

TEST_F(ActivationsTest, ListsTakePagesNamesAndTimes) {
  store(test_flare(4, 2));
  EXPECT_EQ(get(at("?limit=1")).size(), 1U);
  EXPECT_EQ(get(at("?skip=1"))[0]["activationId"], test_id(1));
  EXPECT_EQ(send("GET", at("?count=true")).body, R"({"activations":2})");
  EXPECT_EQ(get(at("?name=hello")).size(), 2U);
  EXPECT_EQ(get(at("?name=other")).size(), 0U);
  EXPECT_EQ(get(at("?since=1000002")).size(), 2U);
  EXPECT_EQ(get(at("?since=1000003")).size(), 0U);
  EXPECT_EQ(get(at("?upto=1000002")).size(), 2U);
  EXPECT_EQ(get(at("?upto=1000001")).size(), 0U);
  expect_error(send("GET", at("?limit=201")), 400, "limit=201");
  expect_error(send("GET", at("?since=yesterday")), 400, "since=yesterday");
  expect_error(send("GET", at("?upto=99999999999999999")), 400, "upto=");
  expect_error(send("GET", at("?name=a%2Fb%2Fc")), 400, "not a valid name");
  EXPECT_EQ(json(send("GET", at(""), "", "other:word")).size(), 0U);
}

}  // namespace
}  // namespace gust::openwhisk
