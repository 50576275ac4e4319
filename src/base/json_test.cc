#include "base/json.h"

#include <gtest/gtest.h>

namespace gust {
namespace {

TEST(Json, CheckingGivesTheSameVerdictAsParsing) {
  for (const std::string text : {R"({"a": [1, 2.5, "x\"y", null, true]})",
                                 "7",
                                 " [] ",
                                 "",
                                 "{",
                                 "[1,]",
                                 "{\"a\" 1}",
                                 "nul",
                                 "\"\xff\"",
                                 R"("unended)",
                                 "[1] 2",
                                 "1e999",
                                 "[-1e-999]",
                                 "123456789012345678901",
                                 "0123",
                                 "1.",
                                 "\"\t\"",
                                 R"("\ud800")",
                                 R"("\u0000")",
                                 "\xef\xbb\xbf{}",
                                 "[1]\n",
                                 "\0"}) {
    const auto parsed = parse_json(text, "the body");
    const auto checked = check_json(text, "the body");
    ASSERT_EQ(parsed.has_value(), checked.has_value()) << text;
    if (!checked) {
      EXPECT_EQ(checked.error().code, ErrorCode::kInvalid);
      EXPECT_EQ(checked.error().message, parsed.error().message);
    }
  }
}

TEST(Json, NestingIsLimited) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(check_json(nested(kMaxJsonDepth), "it"));
  EXPECT_FALSE(check_json(nested(kMaxJsonDepth + 1), "it"));
  EXPECT_FALSE(check_json(std::string(1'000'000, '['), "it"));
  EXPECT_TRUE(check_json('"' + std::string(1000, '[') + '"', "it"));
}

}  // namespace
}  // namespace gust
