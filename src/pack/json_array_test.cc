#include "pack/json_array.h"

#include <gtest/gtest.h>
#include <string>

namespace gust::pack {
namespace {

using Entries = std::vector<std::string_view>;

TEST(JsonArray, IsCutAtItsOwnCommasOnly) {
  const auto entries = split_json_array(R"(  [1, {"a":[1,2],"b":","}, "x\",]\\", [[],[{}]] ,null]  )");
  ASSERT_TRUE(entries);
  EXPECT_EQ(*entries, (Entries{"1", R"({"a":[1,2],"b":","})", R"("x\",]\\")", "[[],[{}]]", "null"}));
}

TEST(JsonArray, OfOneAndOfNone) {
  EXPECT_EQ(*split_json_array("[7]"), Entries{"7"});
  EXPECT_EQ(*split_json_array("[[]]"), Entries{"[]"});
  EXPECT_EQ(*split_json_array("[ ]"), Entries{});
}

TEST(JsonArray, WhatIsNoneIsRefused) {
  for (const char* text : {"", "[", "]", "7", "{}", "[1", "1]", "[1,]", "[,1]", "[,]", "[1,,2]", R"(["a\"])", "[{]}",
                           "[(]]", "[1]]", "[[1]", "[}]", "[1] [2]", R"(["\)"}) {
    EXPECT_FALSE(split_json_array(text)) << text;
  }
}

TEST(JsonArray, WhetherAnEntryIsJsonIsLeftToWhoTakesIt) {
  EXPECT_EQ(*split_json_array(R"([nonsense, "\]"])"), (Entries{"nonsense", R"("\]")"}));
}

TEST(JsonArray, EveryBeginningOfOneIsRefused) {
  const std::string whole = R"([1,{"a":"]"},["b",[]],"\\"])";
  ASSERT_TRUE(split_json_array(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(split_json_array(whole.substr(0, size))) << size;
}

}  // namespace
}  // namespace gust::pack
