#include "stats/result_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "stats/report.h"
#include "stats/result_file.h"

namespace gust::stats {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ResultSetTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / (std::string("result_set_") + info->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  // `workers` of them, the i-th of which starts i * step seconds after the call and runs for ten.
  fs::path write(const fs::path& name, std::size_t workers, double step = 0.001) {
    std::vector<Record> records;
    for (std::size_t i = 0; i < workers; ++i) {
      Record& record = records.emplace_back();
      record.host_job_create_tstamp = 1000;
      record.worker_start_tstamp = 1000 + step * static_cast<double>(i);
      record.worker_end_tstamp = record.worker_start_tstamp + 10;
    }
    fs::create_directories((root_ / name).parent_path());
    EXPECT_TRUE(write_results(root_ / name, records));
    return root_ / name;
  }

  static ResultSet read(const std::vector<fs::path>& paths) { return read_result_set(paths); }

  std::vector<std::string> names(const ResultSet& set) const {
    std::vector<std::string> all;
    for (const ResultFile& file : set.files) all.push_back(fs::relative(file.path, root_).string());
    return all;
  }

  fs::path root_;
};

TEST_F(ResultSetTest, FindsSizesAndGranularitiesInOrder) {
  for (const char* name : {"96/gran12.csv", "96/gran2.csv", "96/faas.csv", "48/gran1.csv", "notes/gran2.csv"}) {
    write(name, 3);
  }
  ASSERT_TRUE(write_whole_file(root_ / "96" / "summary.csv", "something else\n"));
  const ResultSet set = read({root_});
  EXPECT_TRUE(set.refused.empty());
  EXPECT_THAT(names(set), ElementsAre("48/gran1.csv", "96/faas.csv", "96/gran2.csv", "96/gran12.csv"));
  EXPECT_EQ(set.files[0].burst_size, 48U);
}

TEST_F(ResultSetTest, ReadsAFileNamedTwiceOnce) {
  const fs::path file = write("48/gran2.csv", 3);
  EXPECT_EQ(read({file, root_ / "48", root_ / "48" / ".." / "48"}).files.size(), 1U);
}

TEST_F(ResultSetTest, GranularityOneIsFaasUnlessThereIsAFaasFile) {
  const fs::path one = write("48/gran1.csv", 3);
  EXPECT_EQ(read({one}).files.at(0).label(), "FaaS");
  write("48/faas.csv", 3);
  EXPECT_EQ(read({one}).files.at(0).label(), "1");
  EXPECT_EQ(read({root_ / "48"}).files.at(0).label(), "FaaS");
}

TEST_F(ResultSetTest, OtherNamesAreTheirOwnLabels) {
  for (const char* name : {"mine.csv", "gran0.csv", "gran.csv", "gran2x.csv", "gran-2.csv"}) {
    EXPECT_EQ(read({write(name, 3)}).files.at(0).label(), name);
  }
  EXPECT_EQ(read({root_ / "mine.csv"}).files.at(0).burst_size, 3U);
}

TEST_F(ResultSetTest, RefusesOneFileAndReadsTheOthers) {
  write("48/gran2.csv", 3);
  ASSERT_TRUE(write_whole_file(root_ / "48" / "gran4.csv", "no,result\n1,2\n"));
  const ResultSet set = read({root_, root_ / "absent"});
  EXPECT_THAT(names(set), ElementsAre("48/gran2.csv"));
  ASSERT_EQ(set.refused.size(), 2U);
  EXPECT_THAT(set.refused[0].message, HasSubstr("gran4.csv:1: not a result file"));
  EXPECT_THAT(set.refused[1].message, StartsWith("no file or directory"));
}

TEST_F(ResultSetTest, SaysWhatADirectoryLacks) {
  const ResultSet set = read({root_});
  ASSERT_EQ(set.refused.size(), 1U);
  EXPECT_EQ(set.refused[0].code, ErrorCode::kInvalid);
  EXPECT_THAT(set.refused[0].message, StartsWith("no gran<g>.csv or faas.csv in " + root_.string()));
}

TEST_F(ResultSetTest, TableTakesMillisecondsForShortTimes) {
  write("4/gran2.csv", 4, 0.001);
  EXPECT_EQ(summary_table(read({root_}).files),
            "Start-up latency in milliseconds (worker start - job create)\n"
            "burst_size  granularity  workers  distinct_workers  peak_concurrent   min   p50   p90   p99   max  range  "
            "mean_abs_dev  median_abs_dev   iqr\n"
            "         4            2        4                 4                4  0.00  1.50  2.70  2.97  3.00   3.00  "
            "        1.00            1.00  1.50\n");
}

TEST_F(ResultSetTest, TableNamesFilesOnlyWhereTheyAreNeeded) {
  write("a/4/gran2.csv", 4, 2);
  write("b/4/gran2.csv", 4, 2);
  EXPECT_THAT(summary_table(read({root_ / "a"}).files), testing::Not(HasSubstr("gran2.csv")));
  const std::string table = summary_table(read({root_ / "a", root_ / "b"}).files);
  EXPECT_THAT(table, StartsWith("Start-up latency in seconds"));
  EXPECT_THAT(table, HasSubstr("a/4/gran2.csv"));
  EXPECT_THAT(table, HasSubstr("b/4/gran2.csv"));
}

TEST_F(ResultSetTest, JsonHasOneObjectARunInSeconds) {
  write("4/gran2.csv", 4, 0.001);
  write("4/faas.csv", 4, 0.5);
  const Json all = summary_json(read({root_}).files);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["granularity"], "faas");
  EXPECT_EQ(all[0]["max"], 1.5);
  EXPECT_EQ(all[1]["granularity"], 2);
  EXPECT_EQ(all[1]["run"], 1);
  EXPECT_EQ(all[1]["burst_size"], 4);
  EXPECT_EQ(all[1]["workers"], 4);
  EXPECT_EQ(all[1]["distinct_workers"], 4);
  EXPECT_EQ(all[1]["peak_concurrent"], 4);
  EXPECT_EQ(all[1]["range"], 0.003);
}

}  // namespace
}  // namespace gust::stats
