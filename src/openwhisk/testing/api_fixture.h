// The whole API over a fake controller and stores in memory, driven as the server drives it.
#pragma once

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "http/target.h"
#include "openwhisk/api.h"
#include "openwhisk/testing/fake_controller.h"
#include "openwhisk/testing/flares.h"
#include "store/memory/stores.h"

namespace gust::openwhisk {

inline const std::string kElf = std::string("\x7f") + "ELF, as far as the fake inspector knows";

class ApiTest : public testing::Test {
 protected:
  static constexpr const char* kOwn = "/api/v1/namespaces/_";

  /// One request with the key of namespace "guest"; an empty key sends none. There must be one answer.
  http::Response send(const std::string& method, const std::string& target, std::string body = "",
                      const std::string& key = "user:password") const {
    const auto parsed = http::parse_target(target);
    EXPECT_TRUE(parsed) << target;
    http::Request request{
        .method = method, .path = parsed->path, .query = parsed->query, .headers = {}, .body = std::move(body)};
    if (!key.empty()) request.headers.emplace_back("Authorization", "Basic " + base64_encode(key));
    http::Response answer;
    int answers = 0;
    api_->handle(std::move(request), [&](http::Response response) {
      answer = std::move(response);
      ++answers;
    });
    EXPECT_EQ(answers, 1) << method << ' ' << target;
    return answer;
  }
  /// The body of a request that must succeed.
  Json get(const std::string& target) const {
    const http::Response response = send("GET", target);
    EXPECT_EQ(response.status, 200U) << response.body;
    return json(response);
  }
  static Json json(const http::Response& response) {
    const auto parsed = parse_json(response.body, "the answer");
    EXPECT_TRUE(parsed) << response.body;
    return parsed.value_or(Json());
  }
  /// Every error has both members, or `wsk` prints "connection failed".
  static void expect_error(const http::Response& response, unsigned status, const std::string& sentence_part) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    const Json body = json(response);
    ASSERT_TRUE(body.contains("error") && body["error"].is_string()) << response.body;
    ASSERT_TRUE(body.contains("code") && body["code"].is_string()) << response.body;
    EXPECT_TRUE(is_hex_id(body["code"].get<std::string>())) << response.body;
    EXPECT_NE(body["error"].get<std::string>().find(sentence_part), std::string::npos) << response.body;
  }
  static std::string put_body(const Json& more = Json::object()) {
    Json body = {{"exec", {{"kind", "cpp:1"}, {"code", base64_encode(kElf)}}}};
    body.update(more);
    return dump_json(body);
  }
  void deploy(const std::string& name, const Json& more = Json::object()) {
    const auto response = send("PUT", std::string(kOwn) + "/actions/" + name + "?overwrite=true", put_body(more));
    ASSERT_EQ(response.status, 200U) << response.body;
  }

  static Result<worker::ObjectInfo> fake_inspect(std::string_view bytes) {
    if (bytes.starts_with("\x7f"
                          "ELF")) {
      return worker::ObjectInfo{.abi_version = 1};
    }
    return fail(ErrorCode::kInvalid, "not an ELF shared object");
  }
  static KeyTable keys() {
    KeyTable table;
    table.add("user:password", "guest");
    table.add("other:word", "other");
    table.add("bare", "bare");
    table.add("root:secret", "guest", Role::kOperator);
    return table;
  }

  void emplace_api() { api_.emplace(controller_, stores_.all(), keys(), options_); }

  FakeController controller_;
  store::MemoryStores stores_;
  store::MemoryEntityStore<store::Action>& actions_ = stores_.actions;
  store::MemoryFlareStore& flares_ = stores_.flares;
  ApiOptions options_{.version = "1.2.3", .runtimes = {}, .inspect_object = fake_inspect};
  /// Made anew, by emplace_api(), for other options.
  std::optional<Api> api_{std::in_place, controller_, stores_.all(), keys(), options_};
};

}  // namespace gust::openwhisk
