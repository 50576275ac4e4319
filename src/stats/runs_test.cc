#include "stats/runs.h"

#include <gtest/gtest.h>

namespace gust::stats {
namespace {

Record worker(double start, double end, std::uint32_t run = 1) {
  Record record;
  record.host_job_create_tstamp = 100;
  record.worker_start_tstamp = start;
  record.worker_end_tstamp = end;
  record.run = run;
  return record;
}

TEST(Runs, RowsThatStandTwiceCountOnce) {
  std::vector<Record> records = {worker(101, 106), worker(103, 108), worker(101, 106), worker(103, 108)};
  records[3].hostname = InvokerId(7);  // another invoker for the same stamps: published files have that
  const auto runs = split_runs(records);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].rows, 4U);
  EXPECT_EQ(runs[0].workers.size(), 2U);
  EXPECT_EQ(repetition(runs), "4 rows, 2 distinct workers: every measurement stands twice");

  const RunSummary summary = summarize(runs[0]);
  EXPECT_EQ(summary.workers, 4U);
  EXPECT_EQ(summary.distinct_workers, 2U);
  EXPECT_EQ(summary.peak_concurrent, 2U);
  EXPECT_EQ(summary.latency.count, 2U);
  EXPECT_EQ(summary.latency.min, 1);
  EXPECT_EQ(summary.latency.max, 3);
}

TEST(Runs, OtherRepetitionsAreNamedToo) {
  const Record a = worker(101, 106);
  const Record b = worker(102, 107);
  EXPECT_EQ(repetition(split_runs(std::vector{a, a, a})),
            "3 rows, 1 distinct worker: every measurement stands 3 times");
  EXPECT_EQ(repetition(split_runs(std::vector{a, a, b})), "3 rows, 2 distinct workers: 1 row repeats others");
  EXPECT_EQ(repetition(split_runs(std::vector{a, b})), std::nullopt);
}

TEST(Runs, WorkersWithIdsAreDistinctWhateverTheirStamps) {
  std::vector<Record> records = {worker(101, 106), worker(101, 106)};
  records[0].worker_id = WorkerId(0);
  records[1].worker_id = WorkerId(1);
  EXPECT_EQ(repetition(split_runs(records)), std::nullopt);
}

TEST(Runs, RepeatsOfAnExperimentAreNoRepeatedRows) {
  const auto runs = split_runs(std::vector{worker(103, 104, 2), worker(101, 102, 1), worker(101, 102, 2)});
  EXPECT_EQ(repetition(runs), std::nullopt);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].number, 1U);
  EXPECT_EQ(runs[0].workers.size(), 1U);
  EXPECT_EQ(runs[1].number, 2U);
  EXPECT_EQ(summarize(runs[1]).latency.range, 2);
  EXPECT_EQ(summarize(runs[1]).peak_concurrent, 1U);
}

}  // namespace
}  // namespace gust::stats
