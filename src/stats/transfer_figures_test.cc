#include "stats/transfer_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace gust::stats {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

Transfer transfer(const std::string& operation, std::uint32_t workers, Bytes payload, double seconds) {
  return {.operation = operation,
          .backend = "tcp",
          .workers = workers,
          .granularity = 1,
          .payload_bytes = payload,
          .chunk_bytes = Bytes::mb(1),
          .run = 1,
          .iteration = 0,
          .total_bytes = payload,
          .seconds = seconds};
}

class TransferFiguresTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    file_ = fs::path(testing::TempDir()) / (std::string("transfers_") + info->name() + ".svg");
    fs::remove(file_);
  }
  void TearDown() override { fs::remove(file_); }

  std::string figure() const { return read_whole_file(file_, Bytes::mb(10)).value_or(""); }

  fs::path file_;
};

TEST_F(TransferFiguresTest, PairShowsChunksAndALineForEachPayload) {
  std::vector<Transfer> rows = {transfer("pair", 2, Bytes::mb(16), 0.1), transfer("pair", 2, Bytes::mb(1), 0.01)};
  rows.push_back(rows[0]);
  rows.back().chunk_bytes = Bytes(64 << 10);
  ASSERT_TRUE(draw_pair(rows, file_));
  for (const char* text : {"64 KB", "1 MB", "tcp, 16 MB", "tcp, 1 MB", "Throughput (MiB/s)", "Chunk size"}) {
    EXPECT_THAT(figure(), HasSubstr(text));
  }
}

TEST_F(TransferFiguresTest, ThroughputShowsBurstSizes) {
  const std::vector<Transfer> rows = {transfer("throughput", 2, Bytes::mb(1), 0.1),
                                      transfer("throughput", 48, Bytes::mb(1), 0.2)};
  ASSERT_TRUE(draw_throughput(rows, file_));
  for (const char* text : {">48<", ">tcp<", "together, 1 MB", "Burst size (workers)"}) {
    EXPECT_THAT(figure(), HasSubstr(text));
  }
}

TEST_F(TransferFiguresTest, CollectivesHaveAPanelEachAndALogarithmicAxisWhereItHelps) {
  std::vector<Transfer> rows = {transfer("broadcast", 48, Bytes::mb(1), 0.0001), transfer("barrier", 48, Bytes(), 0.1)};
  rows.push_back(rows[0]);
  rows.back().granularity = 12;
  rows.push_back(rows[0]);
  rows.back().backend = "redis-list";
  ASSERT_TRUE(draw_collectives(rows, file_));
  for (const char* text : {"broadcast", "barrier", ">12<", "redis-list, 1 MB", "Time (ms)", "0.1", "100"}) {
    EXPECT_THAT(figure(), HasSubstr(text));
  }
}

TEST_F(TransferFiguresTest, ASingleRowIsAFigure) {
  EXPECT_TRUE(draw_collectives({{transfer("reduce", 1, Bytes(8), 1.5)}}, file_));
  EXPECT_THAT(figure(), HasSubstr("Time (s)"));
}

TEST_F(TransferFiguresTest, RowsOfAnotherOperationAreRefused) {
  const auto drawn = draw_pair({{transfer("broadcast", 2, Bytes(1), 1)}}, file_);
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(drawn.error().message, HasSubstr("'broadcast'; draw them with gust plot collective"));
  const auto other = draw_collectives({{transfer("pair", 2, Bytes(1), 1)}}, file_);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("gust plot pair"));
  EXPECT_FALSE(fs::exists(file_));
}

}  // namespace
}  // namespace gust::stats
