#include "stats/quantiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gust::stats {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

constexpr double kExact = 1e-12;

// Expected values: quantile(c(15, 20, 35, 40, 50), p, type = 7) in R, numpy.quantile in Python.
TEST(Quantile, InterpolatesAsRAndNumpyDo) {
  const std::vector<double> values = {15, 20, 35, 40, 50};
  EXPECT_NEAR(quantile(values, 0), 15, kExact);
  EXPECT_NEAR(quantile(values, 0.05), 16, kExact);
  EXPECT_NEAR(quantile(values, 0.3), 23, kExact);
  EXPECT_NEAR(quantile(values, 0.5), 35, kExact);
  EXPECT_NEAR(quantile(values, 0.99), 49.6, kExact);
  EXPECT_NEAR(quantile(values, 1), 50, kExact);
}

TEST(Quantile, OfOneValueIsThatValue) {
  const std::vector<double> one = {7};
  for (const double p : {0.0, 0.25, 0.5, 1.0}) EXPECT_EQ(quantile(one, p), 7);
}

TEST(Summary, TellsTheTwoDeviationsApart) {
  // Mean 4, median 2: |x - 4| = 3 2 2 1 8 -> 3.2 on average; |x - 2| = 1 0 0 1 10 -> 1 in the middle.
  const Summary summary = summarize({12, 1, 2, 2, 3});
  EXPECT_EQ(summary.count, 5U);
  EXPECT_NEAR(summary.mean_abs_dev, 3.2, kExact);
  EXPECT_NEAR(summary.median_abs_dev, 1, kExact);
  EXPECT_NEAR(summary.iqr, 1, kExact);
  EXPECT_NEAR(summary.range, 11, kExact);
  EXPECT_EQ(summary.min, 1);
  EXPECT_EQ(summary.p50, 2);
  EXPECT_EQ(summary.max, 12);
}

TEST(Summary, OfEqualValuesHasNoSpread) {
  const Summary summary = summarize({0.25, 0.25, 0.25});
  EXPECT_EQ(summary.range, 0);
  EXPECT_EQ(summary.mean_abs_dev, 0);
  EXPECT_EQ(summary.median_abs_dev, 0);
  EXPECT_EQ(summary.iqr, 0);
}

TEST(Box, WhiskersEndAtTheFurthestValueWithinReach) {
  // Quartiles 3 and 7: reach is -3 to 13.
  const Box box = box_of({1, 2, 3, 4, 5, 6, 7, 8, 30});
  EXPECT_EQ(box.quartile1, 3);
  EXPECT_EQ(box.median, 5);
  EXPECT_EQ(box.quartile3, 7);
  EXPECT_EQ(box.whisker_low, 1);
  EXPECT_EQ(box.whisker_high, 8);
  EXPECT_THAT(box.outliers, ElementsAre(30));
}

TEST(Box, WhiskersNeverEndInsideTheBox) {
  // The third quartile, 3.25, is interpolated beyond the last value within reach.
  const Box box = box_of({0, 1, 1, 10});
  EXPECT_THAT(box.quartile3, DoubleNear(3.25, kExact));
  EXPECT_GE(box.whisker_high, box.quartile3);
  EXPECT_LE(box.whisker_low, box.quartile1);
  EXPECT_THAT(box.outliers, ElementsAre(10));
}

TEST(Box, OfOneValueIsALine) {
  const Box box = box_of({2});
  EXPECT_EQ(box.whisker_low, 2);
  EXPECT_EQ(box.whisker_high, 2);
  EXPECT_TRUE(box.outliers.empty());
}

}  // namespace
}  // namespace gust::stats
