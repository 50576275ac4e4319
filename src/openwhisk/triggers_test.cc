#include "openwhisk/testing/api_fixture.h"

namespace gust::openwhisk {
namespace {

class TriggersTest : public ApiTest {
 protected:
  static std::string at(const std::string& rest) { return std::string(kOwn) + rest; }
  http::Response put(const std::string& what, const Json& body = Json::object(), const std::string& query = "") {
    return send("PUT", at("/" + what + query), dump_json(body));
  }
  void rule(const std::string& name, const std::string& trigger, const std::string& action) {
    const auto response = put("rules/" + name, {{"trigger", "/_/" + trigger}, {"action", "/_/" + action}});
    ASSERT_EQ(response.status, 200U) << response.body;
  }
};

TEST_F(TriggersTest, TriggersAndRulesReadBackAsOpenWhiskHasThem) {
  deploy("hello");
  const Json parameters = Json::array({{{"key", "a"}, {"value", 1}}});
  ASSERT_EQ(put("triggers/t", {{"parameters", parameters}}).status, 200U);
  const auto made = put("rules/r", {{"trigger", "/guest/t"}, {"action", "/_/hello"}});
  ASSERT_EQ(made.status, 200U) << made.body;
  Json shown = json(made);
  shown["updated"] = 0;
  const char* rule =
      R"({"namespace":"guest","name":"r","version":"0.0.1","publish":false,"annotations":[],"updated":0,)"
      R"("status":"active","trigger":{"path":"guest","name":"t"},"action":{"path":"guest","name":"hello"}})";
  EXPECT_EQ(dump_json(shown), rule);
  shown = get(at("/rules/r"));
  shown["updated"] = 0;
  EXPECT_EQ(dump_json(shown), rule);
  shown = get(at("/triggers/t"));
  shown["updated"] = 0;
  EXPECT_EQ(dump_json(shown),
            R"({"namespace":"guest","name":"t","version":"0.0.1","publish":false,"annotations":[],"updated":0,)"
            R"("parameters":[{"key":"a","value":1}],"limits":{},)"
            R"("rules":{"guest/r":{"action":{"path":"guest","name":"hello"},"status":"active"}}})");
}

TEST_F(TriggersTest, ListsCountsAndConflicts) {
  deploy("hello");
  for (const char* name : {"a", "b"}) ASSERT_EQ(put("triggers/" + std::string(name)).status, 200U);
  rule("r", "a", "hello");
  EXPECT_EQ(get(at("/triggers"))[0]["name"], "b");
  EXPECT_EQ(dump_json(get(at("/triggers?count=true"))), R"({"triggers":2})");
  EXPECT_EQ(get(at("/rules"))[0]["status"], "active");
  EXPECT_EQ(dump_json(get(at("/rules?count=true"))), R"({"rules":1})");
  expect_error(put("triggers/a"), 409, "resource already exists");
  expect_error(put("rules/r", {{"trigger", "/_/a"}, {"action", "/_/hello"}}), 409, "resource already exists");
  EXPECT_EQ(json(put("triggers/a", Json::object(), "?overwrite=true"))["version"], "0.0.2");
  EXPECT_EQ(json(put("rules/r", {{"trigger", "/_/b"}}, "?overwrite=true"))["trigger"]["name"], "b");
  EXPECT_EQ(get(at("/triggers/a"))["rules"].size(), 0U);
}

TEST_F(TriggersTest, RefusesRulesOnWhatIsNotThere) {
  deploy("hello");
  ASSERT_EQ(put("triggers/t").status, 200U);
  expect_error(put("rules/r", {{"trigger", "/_/absent"}, {"action", "/_/hello"}}), 400, "no trigger absent");
  expect_error(put("rules/r", {{"trigger", "/_/t"}, {"action", "/_/absent"}}), 400, "no action absent");
  expect_error(put("rules/r", {{"trigger", "/_/t"}, {"action", "/_/p/absent"}}), 400, "no package p");
  expect_error(put("rules/r", {{"trigger", "/_/t"}}), 400, "a rule needs");
  expect_error(put("rules/r", {{"trigger", 7}, {"action", "/_/hello"}}), 400, "trigger is 7");
  expect_error(put("rules/r", {{"trigger", "/other/t"}, {"action", "/_/hello"}}), 403, "in another namespace");
  expect_error(put("triggers/p/t"), 404, "");
  expect_error(send("GET", at("/rules/r")), 404, "no rule r");
  expect_error(send("DELETE", at("/triggers/absent")), 404, "no trigger absent");
  expect_error(send("POST", at("/triggers/absent")), 404, "no trigger absent");
}

TEST_F(TriggersTest, AFiredTriggerInvokesTheActionsOfItsActiveRules) {
  controller_.ticket = controller::FlareTicket{.id = FlareId(test_id(7)), .activations = {ActivationId(test_id(7))}};
  deploy("hello", {{"parameters", Json::array({{{"key", "b"}, {"value", "action"}}, {{"key", "z"}, {"value", 0}}})}});
  deploy("other");
  ASSERT_EQ(
      put("triggers/t",
          {{"parameters", Json::array({{{"key", "a"}, {"value", "trigger"}}, {{"key", "b"}, {"value", "trigger"}}})}})
          .status,
      200U);
  rule("r", "t", "hello");
  rule("s", "t", "other");
  const auto fired = send("POST", at("/triggers/t"), R"({"a":"event"})");
  ASSERT_EQ(fired.status, 202U) << fired.body;
  const std::string id = json(fired)["activationId"];
  EXPECT_TRUE(is_hex_id(id));
  EXPECT_EQ(fired.header("x-openwhisk-activation-id"), id);
  ASSERT_EQ(controller_.started.size(), 2U);
  EXPECT_EQ(controller_.started[0].action->name, "hello");
  EXPECT_EQ(controller_.started[0].invocation, store::Invocation::kSingle);
  EXPECT_EQ(parse_json(controller_.started[0].params.at(0), "params"),
            Json({{"b", "trigger"}, {"z", 0}, {"a", "event"}}));

  const Json record = get(at("/activations/" + id));
  EXPECT_EQ(record["name"], "t");
  EXPECT_EQ(record["response"]["success"], true);
  EXPECT_EQ(dump_json(record["response"]["result"]), R"({"a":"event"})");
  ASSERT_EQ(record["logs"].size(), 2U);
  EXPECT_EQ(record["logs"][0], R"({"statusCode":0,"success":true,"activationId":")" + test_id(7) +
                                   R"(","rule":"guest/r","action":"guest/hello"})");
  EXPECT_EQ(dump_json(get(at("/flares"))), "[]");
}

TEST_F(TriggersTest, WithNoActiveRuleNothingHappens) {
  deploy("hello");
  ASSERT_EQ(put("triggers/t").status, 200U);
  EXPECT_EQ(send("POST", at("/triggers/t")).status, 204U);
  rule("r", "t", "hello");
  EXPECT_EQ(send("POST", at("/rules/r"), R"({"status":"inactive"})").status, 200U);
  EXPECT_EQ(get(at("/rules/r"))["status"], "inactive");
  EXPECT_EQ(send("POST", at("/triggers/t")).status, 204U);
  EXPECT_TRUE(controller_.started.empty());
  EXPECT_EQ(send("POST", at("/rules/r"), R"({"status":"active"})").status, 200U);
  EXPECT_EQ(send("POST", at("/triggers/t")).status, 202U);
  EXPECT_EQ(controller_.started.size(), 1U);
  expect_error(send("POST", at("/rules/r"), R"({"status":"off"})"), 400, "status is \"off\"");
  expect_error(send("POST", at("/rules/absent"), R"({"status":"active"})"), 404, "no rule absent");
}

TEST_F(TriggersTest, WhatARuleCouldNotStartIsToldInTheActivation) {
  deploy("hello");
  deploy("gone");
  ASSERT_EQ(put("triggers/t").status, 200U);
  rule("r", "t", "hello");
  rule("s", "t", "gone");
  ASSERT_EQ(send("DELETE", at("/actions/gone")).status, 200U);
  const auto fired = send("POST", at("/triggers/t"));
  ASSERT_EQ(fired.status, 202U) << fired.body;
  const Json logs = get(at("/activations/" + json(fired)["activationId"].get<std::string>() + "/logs"))["logs"];
  ASSERT_EQ(logs.size(), 2U);
  EXPECT_NE(logs[0].get<std::string>().find(R"("success":false,"error":"there is no invoker")"), std::string::npos);
  EXPECT_NE(logs[1].get<std::string>().find("there is no action gone"), std::string::npos);
  expect_error(send("POST", at("/triggers/t"), "[1]"), 400, "the body is not a JSON object");
}

TEST_F(TriggersTest, ADeletedTriggerLeavesItsRulesInactive) {
  deploy("hello");
  ASSERT_EQ(put("triggers/t").status, 200U);
  rule("r", "t", "hello");
  EXPECT_EQ(send("DELETE", at("/triggers/t")).status, 200U);
  EXPECT_EQ(get(at("/rules/r"))["status"], "inactive");
  expect_error(send("POST", at("/rules/r"), R"({"status":"active"})"), 404, "no trigger t");
  ASSERT_EQ(put("triggers/t").status, 200U);
  EXPECT_EQ(send("POST", at("/triggers/t")).status, 204U);
  const auto removed = send("DELETE", at("/rules/r"));
  EXPECT_EQ(json(removed)["status"], "inactive");
  expect_error(send("GET", at("/rules/r")), 404, "no rule r");
}

}  // namespace
}  // namespace gust::openwhisk
