#include "openwhisk/testing/api_fixture.h"

namespace gust::openwhisk {
namespace {

class KeysTest : public ApiTest {
 protected:
  static constexpr const char* kKeys = "/api/v1/gust/keys";
  static constexpr const char* kOperator = "root:secret";

  http::Response as_operator(const std::string& method, const std::string& target, const std::string& body = "") {
    return send(method, target, body, kOperator);
  }
  /// The text of a new key.
  std::string add(const std::string& name) {
    const auto made = as_operator("POST", kKeys, dump_json({{"namespace", name}}));
    EXPECT_EQ(made.status, 200U) << made.body;
    return json(made).value("key", "");
  }
  static std::string id_of(const std::string& key) { return key.substr(0, key.find(':')); }
};

TEST_F(KeysTest, ANewKeyOpensItsNamespaceAndNoOther) {
  const std::string alice = add("alice");
  const std::string bob = add("bob");
  EXPECT_EQ(send("GET", "/api/v1/namespaces", "", alice).body, R"(["alice"])");
  const std::string action = std::string(kOwn) + "/actions/a";
  ASSERT_EQ(send("PUT", action, put_body(), alice).status, 200U);
  EXPECT_EQ(send("GET", action, "", alice).status, 200U);
  EXPECT_EQ(send("GET", action, "", bob).status, 404U);
  EXPECT_EQ(send("GET", action, "", "user:password").status, 404U);
  expect_error(send("GET", "/api/v1/namespaces/alice/actions/a", "", bob), 403, "namespace is 'bob'");
}

TEST_F(KeysTest, TwoKeysOfOneNamespaceSeeTheSame) {
  const std::string first = add("alice");
  const std::string second = add("alice");
  EXPECT_NE(first, second);
  ASSERT_EQ(send("PUT", std::string(kOwn) + "/actions/a", put_body(), first).status, 200U);
  EXPECT_EQ(send("GET", std::string(kOwn) + "/actions/a", "", second).status, 200U);
}

TEST_F(KeysTest, ARevokedKeyIsRefusedAtOnce) {
  const std::string key = add("alice");
  ASSERT_EQ(send("GET", "/api/v1/namespaces", "", key).status, 200U);
  const auto revoked = as_operator("DELETE", std::string(kKeys) + "/" + id_of(key));
  EXPECT_EQ(revoked.status, 200U);
  EXPECT_EQ(json(revoked)["namespace"], "alice");
  expect_error(send("GET", "/api/v1/namespaces", "", key), 401, "no namespace has this API key");
  expect_error(as_operator("DELETE", std::string(kKeys) + "/" + id_of(key)), 404, "no key with the id");
}

TEST_F(KeysTest, SecretsAreShownOnceAndStoredAsDigests) {
  const std::string key = add("alice");
  const std::string secret = key.substr(key.find(':') + 1);
  EXPECT_EQ(secret.size(), 64U);
  const auto listed = as_operator("GET", kKeys);
  EXPECT_EQ(json(listed)[0]["id"], id_of(key));
  EXPECT_EQ(json(listed)[0]["namespace"], "alice");
  EXPECT_EQ(listed.body.find(secret), std::string::npos);
  const auto stored = stores_.keys.get("", id_of(key));
  ASSERT_TRUE(stored);
  EXPECT_EQ((*stored)->digest, sha256_hex(key));
}

TEST_F(KeysTest, AWrongSecretOfARightIdIsRefused) {
  const std::string key = add("alice");
  for (const std::string& wrong : {id_of(key) + ":", key + "0", key.substr(0, key.size() - 1), id_of(key) + ":secret",
                                   std::string(":"), ":" + key}) {
    expect_error(send("GET", "/api/v1/namespaces", "", wrong), 401, "no namespace has this API key");
  }
}

TEST_F(KeysTest, OnlyTheOperatorMakesKeys) {
  const std::string alice = add("alice");
  for (const std::string& key : {alice, std::string("user:password")}) {
    expect_error(send("POST", kKeys, R"({"namespace":"x"})", key), 403, "the operator's");
    expect_error(send("GET", kKeys, "", key), 403, "the operator's");
    expect_error(send("DELETE", std::string(kKeys) + "/" + id_of(alice), "", key), 403, "the operator's");
  }
  expect_error(send("GET", kKeys, "", ""), 401, "no API key");
  EXPECT_EQ(send("GET", "/api/v1/namespaces", "", alice).status, 200U);
}

TEST_F(KeysTest, RefusesWrongNamespaces) {
  for (const char* body : {R"({"namespace":"_"})", R"({"namespace":"a b"})", R"({"namespace":"a/b"})",
                           R"({"namespace":""})", R"({"namespace":7})", "{}", "[]", "{"}) {
    const auto refused = as_operator("POST", kKeys, body);
    EXPECT_EQ(refused.status, 400U) << body;
    expect_error(refused, 400, "");
  }
  EXPECT_EQ(as_operator("GET", kKeys).body, "[]");
}

}  // namespace
}  // namespace gust::openwhisk
