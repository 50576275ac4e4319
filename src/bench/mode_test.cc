#include "bench/mode.h"

#include <gtest/gtest.h>

namespace gust::bench {
namespace {

TEST(Mode, AListIsReadInItsOrder) {
  const auto modes = parse_modes("1,48,faas");
  ASSERT_TRUE(modes);
  ASSERT_EQ(modes->size(), 3U);
  EXPECT_EQ((*modes)[0].file_name(), "gran1.csv");
  EXPECT_EQ((*modes)[1].name(), "48");
  EXPECT_EQ((*modes)[2].name(), "faas");
  EXPECT_EQ((*modes)[2].file_name(), "faas.csv");
  EXPECT_EQ((*modes)[2].granularity, 1U);
}

TEST(Mode, AWrongEntryIsNamed) {
  for (const auto& [list, entry] : {std::pair{"", "''"},
                                    {"1,,2", "''"},
                                    {"1,2,", "''"},
                                    {"0", "'0'"},
                                    {"1,x", "'x'"},
                                    {"4 ,2", "'4 '"},
                                    {"4294967296", "'4294967296'"}}) {
    const auto modes = parse_modes(list);
    ASSERT_FALSE(modes) << list;
    EXPECT_EQ(modes.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(modes.error().message.starts_with("granularity " + std::string(entry))) << modes.error().message;
  }
}

}  // namespace
}  // namespace gust::bench
