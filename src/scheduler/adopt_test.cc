// Flares that an earlier scheduler started.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sstream>
#include <vector>

#include "scheduler/journal.h"

namespace gust::scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Bytes kMemory = Bytes::mb(1024);

FlareId flare(unsigned number) { return FlareId(fmt::format("{:032x}", number)); }

Job job(unsigned number, std::uint32_t workers) {
  return {.flare = flare(number),
          .namespace_name = "guest",
          .demand = {workers, packing::Strategy::kHeterogeneous, 0, Bytes::mb(256)},
          .time_limit = 60s};
}

/// Two invokers of four slots.
class AdoptTest : public testing::Test {
 protected:
  AdoptTest() {
    journal_.tell([this](std::string_view line) { lines_ << line << '\n'; });
    EXPECT_TRUE(journal_.add_invoker(InvokerId(0), 4, kMemory, 1s));
    EXPECT_TRUE(journal_.add_invoker(InvokerId(1), 4, kMemory, 1s));
  }
  Journal journal_;
  std::stringstream lines_;
};

TEST_F(AdoptTest, ReservesWhatRunsAlready) {
  const packing::Plan plan = {{.invoker = InvokerId(0), .workers = {WorkerId(0), 3}},
                              {.invoker = InvokerId(1), .workers = {WorkerId(3), 2}},
                              {.invoker = InvokerId(1), .workers = {WorkerId(5), 2}}};
  ASSERT_TRUE(journal_.adopt(job(1, 7), plan, std::vector{PackId(1)}, 2s));
  EXPECT_EQ(journal_.totals().slots_free, 3U);
  const auto waits = journal_.submit(job(2, 4), 2s);
  ASSERT_TRUE(waits);
  EXPECT_FALSE(waits->has_value());
  EXPECT_EQ(journal_.place(flare(2), 2s)->starts_by, Moment(62s));
  journal_.release_pack(flare(1), PackId(1), 3s);  // it is over
  EXPECT_EQ(journal_.totals().slots_free, 3U);
  journal_.release_pack(flare(1), PackId(2), 3s);
  EXPECT_EQ(journal_.admit(3s).size(), 1U);
  journal_.release_pack(flare(1), PackId(0), 4s);
  EXPECT_EQ(journal_.totals().slots_free, 4U);

  const auto replayed = replay(lines_);
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(replayed->starts, 1U);
}

TEST_F(AdoptTest, TakesAllOrNothing) {
  ASSERT_TRUE(journal_.submit(job(1, 6), 2s));
  const packing::Plan plan = {{.invoker = InvokerId(1), .workers = {WorkerId(0), 2}},
                              {.invoker = InvokerId(0), .workers = {WorkerId(2), 2}}};
  const packing::Plan elsewhere = {{.invoker = InvokerId(1), .workers = {WorkerId(0), 2}},
                                   {.invoker = InvokerId(7), .workers = {WorkerId(2), 1}}};
  EXPECT_EQ(journal_.adopt(job(2, 4), plan, {}, 3s).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(journal_.adopt(job(2, 3), elsewhere, {}, 3s).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(journal_.adopt(job(1, 1), plan, {}, 3s).error().code, ErrorCode::kExists);
  EXPECT_EQ(journal_.totals().slots_free, 2U);
  EXPECT_TRUE(journal_.adopt(job(2, 4), plan, std::vector{PackId(0), PackId(1)}, 3s));
  EXPECT_EQ(journal_.totals().slots_free, 2U);
  const auto replayed = replay(lines_);
  EXPECT_TRUE(replayed) << replayed.error().message;
}

}  // namespace
}  // namespace gust::scheduler
