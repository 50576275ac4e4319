#include "http/router.h"

#include <gtest/gtest.h>

namespace gust::http {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  /// Adds a route that answers with its pattern's and its names' values.
  void add(const std::string& method, const std::string& pattern, std::vector<std::string> names = {}) {
    router_.add(method, pattern, [=](const Request&, const PathParams& params, Responder responder) {
      std::string text = pattern;
      for (const std::string& name : names) text += " " + name + "=" + params.at(name);
      responder({.body = text});
    });
  }

  Response ask(const std::string& method, const std::string& path) {
    Response response;
    router_.serve({.method = method, .path = path}, [&response](Response given) { response = std::move(given); });
    return response;
  }

  Router router_;
};

TEST_F(RouterTest, GivesNamesDecoded) {
  add("POST", "/api/v1/namespaces/{ns}/actions/{name}", {"ns", "name"});
  EXPECT_EQ(ask("POST", "/api/v1/namespaces/_/actions/a%2Fb%20c").body,
            "/api/v1/namespaces/{ns}/actions/{name} ns=_ name=a/b c");
}

TEST_F(RouterTest, MoreLiteralRoutesWinWhateverTheOrder) {
  add("GET", "/actions/{rest...}", {"rest"});
  add("GET", "/actions/{name}", {"name"});
  add("GET", "/actions/{pkg}/", {"pkg"});
  add("GET", "/actions/list");
  add("GET", "/actions");
  EXPECT_EQ(ask("GET", "/actions/list").body, "/actions/list");
  EXPECT_EQ(ask("GET", "/actions/other").body, "/actions/{name} name=other");
  EXPECT_EQ(ask("GET", "/actions/pkg/").body, "/actions/{pkg}/ pkg=pkg");
  EXPECT_EQ(ask("GET", "/actions/pkg/name").body, "/actions/{rest...} rest=pkg/name");
  EXPECT_EQ(ask("GET", "/actions/a/b/c").body, "/actions/{rest...} rest=a/b/c");
  EXPECT_EQ(ask("GET", "/actions/").body, "/actions");
  EXPECT_EQ(ask("GET", "/actions//x").status, 404U);
}

TEST_F(RouterTest, RootIsAPathToo) {
  add("GET", "/");
  EXPECT_EQ(ask("GET", "/").body, "/");
  EXPECT_EQ(ask("GET", "/x").status, 404U);
  EXPECT_EQ(ask("GET", "*").status, 404U);
}

TEST_F(RouterTest, AnswersOtherwise) {
  add("GET", "/a/{x}", {"x"});
  add("DELETE", "/a/{x}", {"x"});
  const Response wrong_method = ask("POST", "/a/1");
  EXPECT_EQ(wrong_method.status, 405U);
  EXPECT_EQ(wrong_method.header("allow"), "DELETE, GET");
  EXPECT_TRUE(wrong_method.body.contains("\"code\""));
  EXPECT_EQ(ask("GET", "/b").status, 404U);
  EXPECT_TRUE(ask("GET", "/b").body.contains("\"error\""));
  EXPECT_EQ(ask("GET", "/a/%zz").status, 400U);
  EXPECT_EQ(ask("GET", "/a/%00").status, 400U);
  EXPECT_EQ(ask("HEAD", "/a/1").body, "/a/{x} x=1");
}

using RouterDeathTest = RouterTest;

TEST_F(RouterDeathTest, MalformedOrRepeatedPatternsAbort) {
  add("GET", "/a/{x}");
  EXPECT_DEATH(add("GET", "/a/{y}"), "two routes match");
  EXPECT_DEATH(add("GET", "/a/{rest...}/b"), "a tail is the last");
  EXPECT_DEATH(add("GET", "a"), "starts with");
}

}  // namespace
}  // namespace gust::http
