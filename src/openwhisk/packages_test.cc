#include "openwhisk/testing/api_fixture.h"

namespace gust::openwhisk {
namespace {

class PackagesTest : public ApiTest {
 protected:
  static std::string at(const std::string& rest) { return std::string(kOwn) + "/packages" + rest; }
  static std::string actions(const std::string& rest) { return std::string(kOwn) + "/actions" + rest; }
  static Json pair(const char* key, const Json& value) { return {{"key", key}, {"value", value}}; }
  void put(const std::string& name, const Json& body = Json::object()) {
    const auto response = send("PUT", at("/" + name + "?overwrite=true"), dump_json(body));
    ASSERT_EQ(response.status, 200U) << response.body;
  }
};

TEST_F(PackagesTest, APackageReadsBackAsOpenWhiskHasIt) {
  const Json body = {{"parameters", Json::array({pair("a", 1)})},
                     {"annotations", Json::array({pair("note", "x")})},
                     {"publish", true}};
  const auto put = send("PUT", at("/p"), dump_json(body));
  ASSERT_EQ(put.status, 200U) << put.body;
  Json package = get(at("/p"));
  EXPECT_TRUE(package["updated"].is_number_integer());
  package["updated"] = 0;
  EXPECT_EQ(dump_json(package),
            R"({"namespace":"guest","name":"p","version":"0.0.1","publish":true,)"
            R"("annotations":[{"key":"note","value":"x"}],"updated":0,"parameters":[{"key":"a","value":1}],)"
            R"("binding":{},"actions":[],"feeds":[]})");
}

TEST_F(PackagesTest, AnExistingPackageIsReplacedOnlyWhenAsked) {
  put("p", {{"parameters", Json::array({pair("a", 1)})}});
  expect_error(send("PUT", at("/p"), "{}"), 409, "resource already exists");
  expect_error(send("PUT", at("/p?overwrite=False")), 409, "resource already exists");
  put("p", {{"publish", true}});
  const Json package = get(at("/p"));
  EXPECT_EQ(package["version"], "0.0.2");
  EXPECT_EQ(package["publish"], true);
  EXPECT_EQ(package["parameters"], Json::array({pair("a", 1)}));
}

TEST_F(PackagesTest, ListsPagesAndCounts) {
  for (const char* name : {"a", "b", "c"}) put(name);
  EXPECT_EQ(get(at("")).size(), 3U);
  EXPECT_EQ(get(at(""))[0]["name"], "c");
  EXPECT_EQ(get(at("?limit=1&skip=1"))[0]["name"], "b");
  EXPECT_EQ(get(at(""))[0]["binding"], false);  // and not {}, which clients would take for one
  EXPECT_EQ(dump_json(get(at("?count=true"))), R"({"packages":3})");
  expect_error(send("GET", at("?limit=201")), 400, "limit=201");
}

TEST_F(PackagesTest, ActionsStandInThem) {
  expect_error(send("PUT", actions("/p/hello"), put_body()), 404, "no package p in namespace guest");
  expect_error(send("GET", actions("/p/")), 404, "no package p");
  put("p");
  deploy("p/hello");
  deploy("hello");
  EXPECT_EQ(get(actions("/p/hello"))["namespace"], "guest/p");
  const Json listed = get(actions("/p/"));
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0]["name"], "hello");
  EXPECT_EQ(dump_json(get(actions("/p/?count=true"))), R"({"actions":1})");
  EXPECT_EQ(get(actions("")).size(), 2U);
  EXPECT_EQ(get(at("/p"))["actions"][0]["name"], "hello");
  deploy("p/source", {{"annotations", Json::array({pair("feed", true)})}});
  EXPECT_EQ(get(at("/p"))["feeds"][0]["name"], "source");
  EXPECT_EQ(get(at("/p"))["actions"].size(), 1U);
}

TEST_F(PackagesTest, OnlyAnEmptyOneIsDeletedUnlessForced) {
  put("p");
  deploy("p/a");
  expect_error(send("DELETE", at("/p")), 409, "Package not empty (contains 1 entity)");
  deploy("p/b");
  expect_error(send("DELETE", at("/p")), 409, "contains 2 entities");
  const auto removed = send("DELETE", at("/p?force=true"));
  EXPECT_EQ(removed.status, 200U);
  EXPECT_EQ(json(removed)["name"], "p");
  expect_error(send("GET", at("/p")), 404, "no package p");
  EXPECT_TRUE(get(actions("")).empty());
  expect_error(send("DELETE", at("/p")), 404, "no package p");
}

TEST_F(PackagesTest, ParametersGoFromPackageOverBindingAndActionToTheCall) {
  put("p", {{"parameters",
             Json::array({pair("a", "package"), pair("b", "package"), pair("c", "package"), pair("d", "package")})}});
  put("q", {{"binding", {{"namespace", "_"}, {"name", "p"}}},
            {"parameters", Json::array({pair("b", "binding"), pair("c", "binding"), pair("d", "binding")})}});
  deploy("p/hello", {{"parameters", Json::array({pair("c", "action"), pair("d", "action")})}});
  send("POST", actions("/q/hello"), R"({"d":"call"})");
  ASSERT_EQ(controller_.started.size(), 1U);
  EXPECT_EQ(controller_.started[0].action->qualified_name(), "/guest/p/hello");
  EXPECT_EQ(parse_json(controller_.started[0].params.at(0), "params"),
            Json({{"a", "package"}, {"b", "binding"}, {"c", "action"}, {"d", "call"}}));
  send("POST", actions("/p/hello"));
  EXPECT_EQ(parse_json(controller_.started[1].params.at(0), "params"),
            Json({{"a", "package"}, {"b", "package"}, {"c", "action"}, {"d", "action"}}));
}

TEST_F(PackagesTest, ABindingShowsItsPackagesActionsAndChangesNone) {
  put("p");
  deploy("p/hello");
  put("q", {{"binding", {{"namespace", "guest"}, {"name", "p"}}}});
  const Json shown = get(at("/q"));
  EXPECT_EQ(dump_json(shown["binding"]), R"({"namespace":"guest","name":"p"})");
  EXPECT_EQ(shown["actions"][0]["name"], "hello");
  EXPECT_EQ(get(actions("/q/")).size(), 1U);
  expect_error(send("PUT", actions("/q/other"), put_body()), 400, "package q is a binding of p");
  expect_error(send("DELETE", actions("/q/hello")), 400, "change the action there");
  EXPECT_EQ(send("DELETE", at("/q")).status, 200U);
  EXPECT_EQ(get(actions("/p/")).size(), 1U);
  put("q", {{"binding", {{"name", "p"}}}});
  EXPECT_EQ(send("DELETE", at("/p?force=true")).status, 200U);
  expect_error(send("GET", at("/q")), 404, "what package q is bound to");
  expect_error(send("POST", actions("/q/hello")), 404, "no package p");
}

TEST_F(PackagesTest, RefusesWrongBindings) {
  put("p");
  put("q", {{"binding", {{"name", "p"}}}});
  const auto bind = [&](const std::string& name, const Json& binding) {
    return send("PUT", at("/" + name + "?overwrite=true"), dump_json({{"binding", binding}}));
  };
  expect_error(bind("r", {{"name", "absent"}}), 400, "package absent, which does not exist");
  expect_error(bind("r", {{"name", "q"}}), 400, "is a binding itself");
  expect_error(bind("r", {{"name", 7}}), 400, "binding is");
  expect_error(bind("r", "p"), 400, "binding is \"p\"");
  expect_error(bind("r", {{"namespace", "other"}, {"name", "p"}}), 403, "in another namespace");
  expect_error(bind("p", {{"name", "p"}}), 400, "is a binding itself");
  put("s");
  expect_error(bind("p", {{"name", "s"}}), 409, "cannot become the other");
  expect_error(send("PUT", at("/default"), "{}"), 400, "cannot be called default");
  expect_error(send("PUT", at("/p%2Fq"), "{}"), 400, "cannot be called p/q");
  expect_error(send("PUT", at("/x"), R"({"parameters":{"a":1}})"), 400, "parameters is");
}

TEST_F(PackagesTest, AnotherNamespacesAreNotThere) {
  put("p");
  deploy("p/hello");
  EXPECT_EQ(send("GET", at("/p"), "", "other:word").status, 404U);
  EXPECT_EQ(send("GET", actions("/p/hello"), "", "other:word").status, 404U);
  EXPECT_EQ(dump_json(json(send("GET", at(""), "", "other:word"))), "[]");
  EXPECT_EQ(send("GET", "/api/v1/namespaces/guest/packages/p", "", "other:word").status, 403U);
}

}  // namespace
}  // namespace gust::openwhisk
