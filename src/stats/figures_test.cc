#include "stats/figures.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "stats/gnuplot.h"
#include "stats/result_file.h"

namespace gust::stats {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

ResultFile experiment(const fs::path& path, std::size_t workers, bool with_hostname) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < workers; ++i) {
    Record& record = records.emplace_back();
    record.host_job_create_tstamp = 1000;
    record.worker_start_tstamp = 1000.02 + 0.001 * static_cast<double>(i);
    record.worker_end_tstamp = record.worker_start_tstamp + 0.5;
    if (with_hostname) record.hostname = InvokerId(static_cast<std::uint32_t>(i / 4));
  }
  return {.path = path,
          .granularity = granularity_of(path),
          .stands_for_faas = false,
          .burst_size = workers,
          .runs = split_runs(records)};
}

class FiguresTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / (std::string("figures_") + info->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string content(const char* name) const { return read_whole_file(root_ / name, Bytes::mb(10)).value_or(""); }

  fs::path root_;
  std::vector<ResultFile> files_ = {experiment("out/8/faas.csv", 8, true), experiment("out/8/gran4.csv", 8, false),
                                    experiment("it's `odd`/12/a_b$c.csv", 12, true)};
};

TEST_F(FiguresTest, DrawsEachFormat) {
  for (const auto& [name, magic] : {std::pair("f.png", "\x89PNG"), {"f.pdf", "%PDF-"}, {"f.svg", "<?xml"}}) {
    const auto startup = draw_startup(files_, LatencyAxis::kLinear, root_ / name);
    ASSERT_TRUE(startup) << startup.error().message;
    EXPECT_THAT(content(name), StartsWith(magic));
    const auto simultaneity = draw_simultaneity(files_, std::nullopt, root_ / name);
    ASSERT_TRUE(simultaneity) << simultaneity.error().message;
    EXPECT_THAT(content(name), StartsWith(magic));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), fs::directory_iterator()), 3);
}

TEST_F(FiguresTest, StartupNamesRowsAndPanels) {
  ASSERT_TRUE(draw_startup(files_, LatencyAxis::kLogarithmic, root_ / "f.svg"));
  const std::string svg = content("f.svg");
  for (const char* text : {"FaaS", ">4<", "a_b$c.csv", "8 workers", "12 workers", "Latency (ms)", "Granularity"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
}

TEST_F(FiguresTest, SimultaneityColoursByInvokerWhereItIsKnown) {
  ASSERT_TRUE(draw_simultaneity({{files_[0]}}, std::nullopt, root_ / "known.svg"));
  EXPECT_THAT(content("known.svg"), HasSubstr("230, 159,   0"));  // the second invoker's orange
  EXPECT_THAT(content("known.svg"), HasSubstr("8 workers, at most 8 at once"));
  ASSERT_TRUE(draw_simultaneity({{files_[1]}}, std::nullopt, root_ / "unknown.svg"));
  EXPECT_THAT(content("unknown.svg"), testing::Not(HasSubstr("230, 159,   0")));
}

TEST_F(FiguresTest, RefusesARunThatIsNotThere) {
  const auto drawn = draw_simultaneity(files_, 2, root_ / "f.png");
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().message, "out/8/faas.csv has no run 2; its runs are 1 to 1");
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FiguresTest, RefusesAnUnknownExtension) {
  for (const char* name : {"f.jpeg", "f", "f.PNG.txt"}) {
    const auto drawn = draw_startup(files_, LatencyAxis::kLinear, root_ / name);
    ASSERT_FALSE(drawn);
    EXPECT_EQ(drawn.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(drawn.error().message, HasSubstr("write .pdf, .png or .svg"));
  }
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FiguresTest, RefusesAPathThatCannotBeWritten) {
  const auto drawn = draw_startup(files_, LatencyAxis::kLinear, root_ / "absent" / "f.png");
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(drawn.error().message, HasSubstr("No such file or directory"));
}

TEST_F(FiguresTest, KeepsTheOldFigureWhenDrawingFails) {
  ASSERT_TRUE(write_whole_file(root_ / "f.png", "old"));
  const auto drawn = draw_figure(root_ / "f.png", {.width = 2, .height = 2}, "plot nonsense(\n");
  ASSERT_FALSE(drawn);
  EXPECT_THAT(drawn.error().message, HasSubstr("gnuplot failed"));
  EXPECT_EQ(content("f.png"), "old");
}

TEST_F(FiguresTest, SaysHowToInstallGnuplot) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", root_.c_str(), 1);
  const auto drawn = draw_startup(files_, LatencyAxis::kLinear, root_ / "f.png");
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().code, ErrorCode::kInternal);
  EXPECT_THAT(drawn.error().message, HasSubstr("apt install gnuplot-nox"));
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FiguresTest, LogarithmicAxisNeedsPositiveLatencies) {
  std::vector<ResultFile> files = {experiment("out/8/gran4.csv", 8, true)};
  files[0].runs[0].workers[0].host_job_create_tstamp += 1;
  EXPECT_FALSE(draw_startup(files, LatencyAxis::kLogarithmic, root_ / "f.png"));
  EXPECT_TRUE(draw_startup(files, LatencyAxis::kLinear, root_ / "f.png"));
}

}  // namespace
}  // namespace gust::stats
