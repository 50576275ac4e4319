// The real gust-pack, in a shape that every machine can hold.
#include "bench/floor.h"

#include <gtest/gtest.h>

namespace gust::bench {
namespace {

TEST(Floor, EveryThreadOfEveryProcessStampsItsStart) {
  const auto latencies = measure_floor({.workers = 7, .granularity = 3}, GUST_PACK_PROGRAM);
  ASSERT_TRUE(latencies) << latencies.error().message;
  ASSERT_EQ(latencies->size(), 7U);
  for (const double latency : *latencies) {
    EXPECT_GT(latency, 0);
    EXPECT_LT(latency, 60);
  }
}

TEST(Floor, ProcessesThatExistAlreadyOnlyCreateThreads) {
  const auto latencies = measure_floor({.workers = 7, .granularity = 3, .prewarmed = true}, GUST_PACK_PROGRAM);
  ASSERT_TRUE(latencies) << latencies.error().message;
  ASSERT_EQ(latencies->size(), 7U);
  for (const double latency : *latencies) {
    EXPECT_GT(latency, 0);
    EXPECT_LT(latency, 60);
  }
}

TEST(Floor, AProgramThatIsNotThereIsAnError) {
  const auto latencies = measure_floor({.workers = 4, .granularity = 2}, "/nonexistent/gust-pack");
  ASSERT_FALSE(latencies);
  EXPECT_EQ(latencies.error().code, ErrorCode::kInternal);
  EXPECT_EQ(latencies.error().message, "start /nonexistent/gust-pack: No such file or directory");
}

}  // namespace
}  // namespace gust::bench
