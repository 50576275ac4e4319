#include "openwhisk/lithops_payload.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gust::openwhisk {
namespace {

const Json kNone = Json::array();

std::vector<std::string> split(std::string_view body, const Json& defaults = kNone) {
  auto params = lithops_params(body, defaults);
  EXPECT_TRUE(params) << params.error().message;
  return params.value_or(std::vector<std::string>());
}

TEST(LithopsPayload, EachCallGetsItsDataAndEverythingElseAsItIs) {
  const auto payloads = split(
      R"( { "config" : {"a":[1,{"call_ids":["x"]}]}, "call_ids":["00000", "00001"], "f":1e3,"data_byte_strs":["gAR9","\"]"],
            "null":null})");
  EXPECT_EQ(
      payloads,
      (std::vector<std::string>{
          R"({"config":{"a":[1,{"call_ids":["x"]}]},"f":1e3,"null":null,"call_ids":["00000"],"data_byte_strs":["gAR9"]})",
          R"({"config":{"a":[1,{"call_ids":["x"]}]},"f":1e3,"null":null,"call_ids":["00001"],"data_byte_strs":["\"]"]})"}));
}

TEST(LithopsPayload, RangesOfAnObjectAreSplitAlike) {
  EXPECT_EQ(split(R"({"call_ids":["0","1","2"],"data_byte_ranges":[[0,9],[10,19],[20,29]],"data_byte_strs":null})"),
            (std::vector<std::string>{R"({"call_ids":["0"],"data_byte_ranges":[[0,9]]})",
                                      R"({"call_ids":["1"],"data_byte_ranges":[[10,19]]})",
                                      R"({"call_ids":["2"],"data_byte_ranges":[[20,29]]})"}));
}

TEST(LithopsPayload, TheLastOfRepeatedNamesCountsHoweverItIsWritten) {
  EXPECT_EQ(split(R"({"call_ids":["9","8"],"data_byte_strs":[],"call\u005fids":["1"],"data_byte_strs":["d"]})"),
            std::vector<std::string>{R"({"call_ids":["1"],"data_byte_strs":["d"]})"});
}

TEST(LithopsPayload, GoesOverTheActionsOwnParameters) {
  const Json defaults = {{{"key", "a"}, {"value", 1}}, {{"key", "b"}, {"value", "ü"}}, {{"key", "c"}}};
  const auto payloads = split(R"({"\u0061":5,"call_ids":["1"],"data_byte_strs":["d"]})", defaults);
  ASSERT_EQ(payloads.size(), 1U);
  EXPECT_EQ(Json::parse(payloads[0]),
            (Json{{"a", 5}, {"b", "ü"}, {"c", nullptr}, {"call_ids", {"1"}}, {"data_byte_strs", {"d"}}}));
}

TEST(LithopsPayload, ManyCallsComeOutWholeAndInOrder) {
  std::string ids;
  std::string data;
  for (int i = 0; i < 960; ++i) {
    ids += fmt::format("{}\"{:05}\"", i == 0 ? "" : ",", i);
    data += fmt::format("{}\"{}\"", i == 0 ? "" : ",", i);
  }
  const auto payloads =
      split(fmt::format(R"({{"call_ids":[{}],"k":"{}","data_byte_strs":[{}]}})", ids, std::string(5000, 'x'), data));
  ASSERT_EQ(payloads.size(), 960U);
  for (int i = 0; i < 960; ++i) {
    const Json payload = Json::parse(payloads[static_cast<std::size_t>(i)]);
    EXPECT_EQ(payload["call_ids"], Json::array({fmt::format("{:05}", i)}));
    EXPECT_EQ(payload["data_byte_strs"], Json::array({std::to_string(i)}));
    EXPECT_EQ(payload["k"].get<std::string>().size(), 5000U);
  }
}

TEST(LithopsPayload, WhatIsNoPayloadIsRefusedWithTheReason) {
  const auto expect_refused = [](std::string_view body, std::string_view part) {
    const auto params = lithops_params(body, kNone);
    ASSERT_FALSE(params) << body;
    EXPECT_EQ(params.error().code, ErrorCode::kInvalid);
    EXPECT_NE(params.error().message.find(part), std::string::npos) << params.error().message;
  };
  expect_refused("{", "the body is not JSON");
  expect_refused("[1]", "\"call_ids\" is missing: with lithops=true the body is a payload of Lithops");
  expect_refused(R"({"value":[1]})", "\"call_ids\" is missing");
  expect_refused(R"({"call_ids":"1","data_byte_strs":["d"]})", "\"call_ids\" is not an array");
  expect_refused(R"({"call_ids":[],"data_byte_strs":[]})", "\"call_ids\" is empty");
  expect_refused(R"({"call_ids":["1"]})", "\"data_byte_ranges\" is missing");
  expect_refused(R"({"call_ids":["1"],"data_byte_strs":{}})", "\"data_byte_strs\" is not an array");
  expect_refused(R"({"call_ids":["1"],"data_byte_strs":["d"],"data_byte_ranges":[[0,1]]})", "has both");
  expect_refused(R"({"call_ids":["1","2"],"data_byte_strs":["d"]})",
                 "\"call_ids\" has 2 entries and \"data_byte_strs\" 1: there must be one for each call");
}

TEST(LithopsPayload, WhatWouldSwellWithoutBoundIsRefusedBeforeItDoes) {
  std::string zeros = "0";
  for (int i = 1; i < 100'000; ++i) zeros += ",0";
  const std::string body =
      fmt::format(R"({{"k":"{}","call_ids":[{}],"data_byte_strs":[{}]}})", std::string(100'000, 'x'), zeros, zeros);
  const auto params = lithops_params(body, kNone);
  ASSERT_FALSE(params);
  EXPECT_EQ(params.error().code, ErrorCode::kTooLarge);
  EXPECT_NE(params.error().message.find("100000 payloads"), std::string::npos) << params.error().message;
}

}  // namespace
}  // namespace gust::openwhisk
