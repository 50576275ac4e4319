#include "openwhisk/params.h"

#include <gtest/gtest.h>

namespace gust::openwhisk {
namespace {

const Json kNone = Json::array();

std::vector<std::string> burst(std::string_view body, const Json& defaults = kNone) {
  auto params = burst_params(body, defaults);
  EXPECT_TRUE(params) << params.error().message;
  return params.value_or(std::vector<std::string>());
}

TEST(BurstParams, EachElementComesOutAsItWasWritten) {
  EXPECT_EQ(burst(R"({"value":[{"a":1},{"b":[2,{"c":"]}"}]}]})"),
            (std::vector<std::string>{R"({"a":1})", R"({"b":[2,{"c":"]}"}]})"}));
  EXPECT_EQ(burst(" { \"value\" : [ 1 , \"x,\\\"]\" ,\n null,true, -1.5e3 , 123456789012345678901234567890 ] } "),
            (std::vector<std::string>{"1", R"("x,\"]")", "null", "true", "-1.5e3", "123456789012345678901234567890"}));
  EXPECT_EQ(burst(R"({"value":[[],{},""]})"), (std::vector<std::string>{"[]", "{}", "\"\""}));
  EXPECT_EQ(burst(R"({"value":["\\"]})"), (std::vector<std::string>{R"("\\")"}));
}

TEST(BurstParams, FindsValueAmongOtherMembers) {
  EXPECT_EQ(burst(R"({"x":{"value":[9]},"y":"value","value":[1],"z":[]})"), std::vector<std::string>{"1"});
  EXPECT_EQ(burst(R"({"value":[1],"value":[2]})"), std::vector<std::string>{"2"});
  EXPECT_EQ(burst(R"({"v\u0061lue":[3]})"), std::vector<std::string>{"3"});
}

TEST(BurstParams, ObjectsGoOverTheActionsOwn) {
  const Json defaults = {{{"key", "a"}, {"value", 1}}, {{"key", "b"}, {"value", {{"x", 2}}}}};
  EXPECT_EQ(burst(R"({"value":[{"a":5},{},7]})", defaults),
            (std::vector<std::string>{R"({"a":5,"b":{"x":2}})", R"({"a":1,"b":{"x":2}})", "7"}));
}

TEST(BurstParams, WhatIsNoFlareIsRefusedWithTheReason) {
  const auto message = [](std::string_view body) {
    const auto params = burst_params(body, kNone);
    EXPECT_FALSE(params) << body;
    if (params) return std::string();
    EXPECT_EQ(params.error().code, ErrorCode::kInvalid);
    return params.error().message;
  };
  EXPECT_EQ(message(R"({"value":[]})"), "a flare needs at least one worker: \"value\" is empty");
  EXPECT_EQ(message(R"({"value":[ ]})"), "a flare needs at least one worker: \"value\" is empty");
  EXPECT_NE(message("{}").find("\"value\" is missing"), std::string::npos);
  EXPECT_NE(message("[1]").find("missing"), std::string::npos);
  EXPECT_NE(message("7").find("missing"), std::string::npos);
  EXPECT_NE(message(R"({"value":{"a":1}})").find("not an array"), std::string::npos);
  EXPECT_NE(message(R"({"value":"[1]"})").find("not an array"), std::string::npos);
  for (const char* body : {"", "{", R"({"value":[1,]})", R"({"value":[1})", R"({"value":["])", R"({"value":[1]}x)"}) {
    EXPECT_NE(message(body).find("the body is not JSON"), std::string::npos) << body;
  }
  EXPECT_NE(message(R"({"value":)" + std::string(200, '[') + std::string(200, ']') + "}").find("nests deeper"),
            std::string::npos);
}

TEST(SingleParams, AnObjectOrNothing) {
  EXPECT_EQ(single_params("", kNone), "{}");
  EXPECT_EQ(single_params(" {\"a\" : 1} ", kNone), R"({"a" : 1})");
  const Json defaults = {{{"key", "a"}, {"value", 1}}, {{"key", "b"}}};
  EXPECT_EQ(single_params("", defaults), R"({"a":1,"b":null})");
  EXPECT_EQ(single_params(R"({"b":2})", defaults), R"({"a":1,"b":2})");
  EXPECT_EQ(single_params("null\n", kNone), "{}");
  EXPECT_EQ(single_params(" null", defaults), R"({"a":1,"b":null})");
  for (const char* body : {"[1]", "7", "true", "\"x\""}) {
    const auto params = single_params(body, kNone);
    ASSERT_FALSE(params);
    EXPECT_NE(params.error().message.find("not a JSON object"), std::string::npos);
  }
  EXPECT_FALSE(single_params("{", kNone));
}

}  // namespace
}  // namespace gust::openwhisk
