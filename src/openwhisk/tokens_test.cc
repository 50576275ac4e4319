#include "openwhisk/testing/api_fixture.h"
#include "protocol/join_token.h"

namespace gust::openwhisk {
namespace {

class TokensTest : public ApiTest {
 protected:
  static constexpr const char* kTokens = "/api/v1/gust/tokens";

  http::Response as_operator(const std::string& method, const std::string& target, const std::string& body = "") {
    return send(method, target, body, "root:secret");
  }
  std::string add(std::int64_t ttl) {
    const auto made = as_operator("POST", kTokens, dump_json({{"ttl", ttl}}));
    EXPECT_EQ(made.status, 200U) << made.body;
    return json(made).value("token", "");
  }
};

TEST_F(TokensTest, AreShownOnceAndStoredAsDigests) {
  const std::string token = add(3'600'000);
  const std::string id = protocol::join_token_id(token);
  ASSERT_EQ(id.size(), 32U) << token;
  const auto listed = as_operator("GET", kTokens);
  EXPECT_EQ(json(listed)[0]["id"], id);
  EXPECT_EQ(json(listed)[0]["expired"], false);
  EXPECT_NEAR(json(listed)[0]["expires"].get<double>(), static_cast<double>(to_millis(wall_now())) + 3'600'000, 60'000);
  EXPECT_EQ(listed.body.find(token.substr(33)), std::string::npos);
  const auto stored = stores_.tokens.get({}, id);
  ASSERT_TRUE(stored);
  EXPECT_EQ((*stored)->digest, protocol::join_token_digest(token));
}

TEST_F(TokensTest, AreRevoked) {
  const std::string target = std::string(kTokens) + "/" + protocol::join_token_id(add(1000));
  EXPECT_EQ(as_operator("DELETE", target).status, 200U);
  expect_error(as_operator("DELETE", target), 404, "no join token with the id");
  EXPECT_EQ(as_operator("GET", kTokens).body, "[]");
}

TEST_F(TokensTest, ThoseThatExpiredLongAgoAreForgotten) {
  store::Token old;
  old.name = "old";
  old.expires = wall_now() - std::chrono::days(31);
  ASSERT_TRUE(stores_.tokens.put(old, store::Overwrite::kNo));
  old.name = "newer";
  old.expires = wall_now() - std::chrono::days(29);
  ASSERT_TRUE(stores_.tokens.put(old, store::Overwrite::kNo));
  add(1000);
  EXPECT_FALSE(stores_.tokens.get({}, "old"));
  EXPECT_TRUE(stores_.tokens.get({}, "newer"));
}

TEST_F(TokensTest, AreTheOperatorsAffair) {
  expect_error(send("POST", kTokens, dump_json({{"ttl", 1000}})), 403, "operator");
  expect_error(send("GET", kTokens), 403, "operator");
  expect_error(send("DELETE", std::string(kTokens) + "/x"), 403, "operator");
  expect_error(send("GET", kTokens, "", ""), 401, "no API key");
}

TEST_F(TokensTest, WrongLivesAreRefused) {
  for (const Json& ttl : {Json(0), Json(-1), Json("1h"), Json(1e30), Json()}) {
    expect_error(as_operator("POST", kTokens, dump_json({{"ttl", ttl}})), 400, "ttl");
  }
}

}  // namespace
}  // namespace gust::openwhisk
