#include "bench/shapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gust::bench {
namespace {

using testing::HasSubstr;

std::string complaint(const Result<std::vector<Shape>>& shapes) {
  if (shapes) return "";
  EXPECT_EQ(shapes.error().code, ErrorCode::kInvalid);
  return shapes.error().message;
}

TEST(ShapesTest, PairIsTwoPacksOfOne) {
  const auto shapes = pair_shapes("1MiB,0", "64KiB,1MiB");
  ASSERT_TRUE(shapes) << shapes.error().message;
  ASSERT_EQ(shapes->size(), 4);
  for (const Shape& shape : *shapes) {
    EXPECT_EQ(shape.operation, "pair");
    EXPECT_EQ(shape.workers, 2);
    EXPECT_EQ(shape.packs(), 2);
  }
  EXPECT_EQ(shapes->at(1).payload, Bytes::mb(1));
  EXPECT_EQ(shapes->at(1).chunk, Bytes::mb(1));
  EXPECT_EQ(shapes->at(1).total(), Bytes::mb(1));
  EXPECT_EQ(shapes->at(2).total(), Bytes());
}

TEST(ShapesTest, ThroughputIsTwoPacksOfHalf) {
  const auto shapes = throughput_shapes("2,48", "4MiB", "");
  ASSERT_TRUE(shapes) << shapes.error().message;
  ASSERT_EQ(shapes->size(), 2);
  EXPECT_EQ(shapes->back().packs(), 2);
  EXPECT_EQ(shapes->back().granularity, 24);
  EXPECT_EQ(shapes->back().total(), Bytes::mb(96));
  EXPECT_EQ(shapes->back().chunk, std::nullopt);
}

TEST(ShapesTest, CollectivesAreTheProductOfAllSizes) {
  const auto shapes = collective_shapes("all-to-all,barrier", "13,1", "5,48", "8,1MiB", "1KiB,64KiB");
  ASSERT_TRUE(shapes) << shapes.error().message;
  EXPECT_EQ(shapes->size(), 2 * 2 * 2 * 2 + 2 * 2);  // a barrier has no payload
  EXPECT_EQ(shapes->front().packs(), 3);
  EXPECT_EQ(shapes->front().total(), Bytes(13 * 13 * 8));
  EXPECT_EQ(shapes->back().payload, Bytes());
  EXPECT_EQ(collective_shapes("all", "2", "1", "8", "")->size(), collective_names().size());
}

TEST(ShapesTest, APackHasRoomForWhatItsWorkersHold) {
  const auto shapes = collective_shapes("all-to-all,broadcast", "48", "24", "1MiB", "");
  EXPECT_GE(shapes->at(0).footprint(), Bytes::mb(2 * 24 * 48));  // what all have brought, and what all have got
  EXPECT_GE(shapes->at(1).footprint(), Bytes::mb(24 + 1));
}

TEST(ShapesTest, WrongValuesAreNamed) {
  EXPECT_THAT(complaint(pair_shapes("much", "")), HasSubstr("payload: 'much' is not a size"));
  EXPECT_THAT(complaint(pair_shapes("1,", "")), HasSubstr("payload: '' is not a size"));
  EXPECT_THAT(complaint(pair_shapes("1", "100")), HasSubstr("chunk size '100' is not a multiple of 1 KiB"));
  EXPECT_THAT(complaint(pair_shapes("1", "0")), HasSubstr("chunk size '0'"));
  EXPECT_THAT(complaint(throughput_shapes("2,3", "1", "")), HasSubstr("burst size 3 is odd"));
  EXPECT_THAT(complaint(collective_shapes("sum", "2", "1", "8", "")), HasSubstr("there is no collective 'sum'"));
  EXPECT_THAT(complaint(collective_shapes("barrier", "0", "1", "8", "")), HasSubstr("burst size '0'"));
  EXPECT_THAT(complaint(collective_shapes("barrier", "2", "x", "8", "")), HasSubstr("granularity 'x'"));
  EXPECT_THAT(complaint(collective_shapes("reduce", "2", "1", "7", "")), HasSubstr("not a multiple of 8 bytes"));
}

}  // namespace
}  // namespace gust::bench
