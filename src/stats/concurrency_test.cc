#include "stats/concurrency.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace gust::stats {
namespace {

TEST(Concurrency, NobodyIsNobody) {
  EXPECT_EQ(peak_concurrent({}), 0U);
  EXPECT_TRUE(concurrency_curve({}).empty());
}

TEST(Concurrency, CountsOverlap) {
  const std::vector<Segment> segments = {{0, 2}, {1, 3}, {2.5, 4}, {10, 11}};
  EXPECT_EQ(peak_concurrent(segments), 2U);
}

TEST(Concurrency, SegmentsThatTouchOverlap) {
  const std::vector<Segment> segments = {{0, 1}, {1, 2}};
  EXPECT_EQ(peak_concurrent(segments), 2U);
}

TEST(Concurrency, AnInstantCounts) {
  const std::vector<Segment> segments = {{1, 1}, {1, 1}, {1, 1}};
  EXPECT_EQ(peak_concurrent(segments), 3U);
}

TEST(Concurrency, CurveAgreesWithCountingAtEveryStep) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> instant(0, 40);  // few instants: many ties
  std::vector<Segment> segments;
  for (int i = 0; i < 200; ++i) {
    const double start = instant(random);
    segments.push_back({start, start + instant(random)});
  }
  const auto curve = concurrency_curve(segments);
  ASSERT_FALSE(curve.empty());
  EXPECT_EQ(curve.back().running, 0U);
  std::uint32_t peak = 0;
  for (int time = 0; time <= 80; ++time) {
    std::uint32_t alive = 0;
    for (const Segment& segment : segments) alive += segment.start <= time && time <= segment.end ? 1 : 0;
    peak = std::max(peak, alive);
  }
  EXPECT_EQ(peak_concurrent(segments), peak);
}

}  // namespace
}  // namespace gust::stats
