#include "openwhisk/api.h"

#include "openwhisk/testing/api_fixture.h"

namespace gust::openwhisk {
namespace {

TEST_F(ApiTest, RootPingAndVersionNeedNoKey) {
  const auto root = send("GET", "/", "", "");
  EXPECT_EQ(root.status, 200U);
  const Json body = json(root);
  for (const char* member : {"support", "description", "api_paths", "limits", "runtimes"}) {
    EXPECT_TRUE(body.contains(member)) << member;
  }
  EXPECT_EQ(body["api_paths"], Json::array({"/api/v1"}));
  EXPECT_EQ(body["runtimes"]["cpp"][0]["kind"], "cpp:1");

  const auto ping = send("GET", "/ping", "", "");
  EXPECT_EQ(ping.status, 200U);
  EXPECT_EQ(ping.body, "pong");
  EXPECT_TRUE(ping.content_type.starts_with("text/plain"));

  const Json api = json(send("GET", "/api/v1", "", ""));
  for (const char* member : {"description", "api_version", "api_version_path", "build", "buildno", "swagger_paths"}) {
    EXPECT_TRUE(api.contains(member)) << member;
  }
  EXPECT_EQ(api["build"], "1.2.3");
}

TEST_F(ApiTest, NamespacesAndLimits) {
  EXPECT_EQ(get("/api/v1/namespaces"), Json::array({"guest"}));
  const Json limits = get(std::string(kOwn) + "/limits");
  EXPECT_EQ(limits["maxActionTimeout"], 3'600'000);
  EXPECT_TRUE(limits["concurrentInvocations"].is_number_integer());
}

TEST_F(ApiTest, EverythingElseNeedsAKey) {
  const std::string id(32, 'a');
  const std::pair<const char*, std::string> routes[] = {
      {"GET", "/api/v1/namespaces"},
      {"GET", "/api/v1/gust/status"},
      {"GET", std::string(kOwn) + "/limits"},
      {"GET", std::string(kOwn) + "/actions"},
      {"GET", std::string(kOwn) + "/actions/a"},
      {"PUT", std::string(kOwn) + "/actions/a"},
      {"DELETE", std::string(kOwn) + "/actions/a"},
      {"POST", std::string(kOwn) + "/actions/a"},
      {"GET", std::string(kOwn) + "/packages"},
      {"GET", std::string(kOwn) + "/packages/p"},
      {"PUT", std::string(kOwn) + "/packages/p"},
      {"DELETE", std::string(kOwn) + "/packages/p"},
      {"GET", std::string(kOwn) + "/triggers"},
      {"GET", std::string(kOwn) + "/triggers/t"},
      {"PUT", std::string(kOwn) + "/triggers/t"},
      {"DELETE", std::string(kOwn) + "/triggers/t"},
      {"POST", std::string(kOwn) + "/triggers/t"},
      {"GET", std::string(kOwn) + "/rules"},
      {"GET", std::string(kOwn) + "/rules/r"},
      {"PUT", std::string(kOwn) + "/rules/r"},
      {"DELETE", std::string(kOwn) + "/rules/r"},
      {"POST", std::string(kOwn) + "/rules/r"},
      {"GET", std::string(kOwn) + "/activations"},
      {"GET", std::string(kOwn) + "/activations/" + id},
      {"GET", std::string(kOwn) + "/activations/" + id + "/logs"},
      {"GET", std::string(kOwn) + "/activations/" + id + "/result"},
      {"GET", std::string(kOwn) + "/flares"},
      {"GET", std::string(kOwn) + "/flares/" + id},
      {"DELETE", std::string(kOwn) + "/flares/" + id},
  };
  for (const auto& [method, path] : routes) {
    const auto none = send(method, path, "", "");
    expect_error(none, 401, "no API key");
    EXPECT_EQ(none.header("WWW-Authenticate"), "Basic") << path;
    const auto wrong = send(method, path, "", "user:wrong");
    expect_error(wrong, 401, "invalid");
    EXPECT_EQ(wrong.header("WWW-Authenticate"), "Basic") << path;
    EXPECT_EQ(wrong.body.find("wrong\""), std::string::npos) << "the key is not repeated";
  }
}

TEST_F(ApiTest, AnAuthorizationThatIsNotBasicIsA401) {
  for (const char* header : {"Bearer abc", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", ""}) {
    http::Request request{
        .method = "GET", .path = "/api/v1/namespaces", .query = {}, .headers = {{"authorization", header}}, .body = {}};
    http::Response answer;
    api_->handle(std::move(request), [&](http::Response response) { answer = std::move(response); });
    expect_error(answer, 401, "invalid");
  }
}

TEST_F(ApiTest, AKeyWithoutAColonIsThatOfUserGust) {
  EXPECT_EQ(json(send("GET", "/api/v1/namespaces", "", "gust:bare")), Json::array({"bare"}));
}

TEST_F(ApiTest, OnlyOnesOwnNamespace) {
  EXPECT_EQ(send("GET", "/api/v1/namespaces/guest/actions").status, 200U);
  expect_error(send("GET", "/api/v1/namespaces/other/actions"), 403, "not authorized to access 'other'");
  expect_error(send("POST", "/api/v1/namespaces/other/actions/a"), 403, "'other'");
  EXPECT_EQ(send("GET", "/api/v1/namespaces/other/actions", "", "other:word").status, 200U);
}

TEST_F(ApiTest, UnknownPathsAndMethodsAreErrorsLikeOthers) {
  expect_error(send("GET", "/api/v2"), 404, "/api/v2");
  expect_error(send("PATCH", std::string(kOwn) + "/actions/a"), 405, "PATCH");
}

TEST_F(ApiTest, EveryAnswerNamesItsTransaction) {
  const auto ok = send("GET", "/api/v1/namespaces");
  ASSERT_TRUE(ok.header("x-request-id"));
  EXPECT_TRUE(is_hex_id(*ok.header("x-request-id")));
  const auto missing = send("GET", std::string(kOwn) + "/actions/none");
  EXPECT_EQ(json(missing)["code"], std::string(missing.header("x-request-id").value_or("")));
}

TEST_F(ApiTest, StatusShowsInvokersAndTotals) {
  controller::Status status;
  for (std::uint32_t i = 0; i < 2; ++i) {
    status.invokers.push_back({.id = InvokerId(i),
                               .name = "invoker-" + std::to_string(i),
                               .driver = "process",
                               .pid = 10,
                               .slots = 48,
                               .free_slots = 40,
                               .memory = Bytes::mb(100),
                               .free_memory = Bytes::mb(50),
                               .packs = 3,
                               .joined = WallTime(std::chrono::seconds(7))});
  }
  status.queued_flares = 4;
  status.active_flares = 5;
  status.cpu = std::chrono::microseconds(1234);
  controller_.status_answer = status;
  const Json body = get("/api/v1/gust/status");
  EXPECT_EQ(body["version"], "1.2.3");
  EXPECT_EQ(body["controller"]["cpu_microseconds"], 1234);
  EXPECT_EQ(body["flares"], (Json{{"active", 5}, {"queued", 4}}));
  EXPECT_EQ(body["totals"], (Json{{"invokers", 2},
                                  {"slots", 96},
                                  {"free_slots", 80},
                                  {"memory_bytes", 200 << 20},
                                  {"free_memory_bytes", 100 << 20},
                                  {"packs", 6},
                                  {"prewarmed", 0}}));
  ASSERT_EQ(body["invokers"].size(), 2U);
  EXPECT_EQ(body["invokers"][1]["name"], "invoker-1");
  EXPECT_EQ(body["invokers"][1]["driver"], "process");

  controller_.status_answer = fail(ErrorCode::kUnavailable, "the controller is shutting down");
  expect_error(send("GET", "/api/v1/gust/status"), 503, "shutting down");
}

}  // namespace
}  // namespace gust::openwhisk
