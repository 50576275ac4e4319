#include "stats/transfer_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gust::stats {
namespace {

using testing::HasSubstr;

constexpr const char* kHeader =
    "operation,backend,workers,granularity,payload_bytes,chunk_bytes,run,iteration,total_bytes,seconds\n";

std::string complaint(const std::string& text) {
  const auto read = parse_transfers(text, "f.csv");
  return read ? "" : read.error().message;
}

TEST(TransferFileTest, WhatIsWrittenIsRead) {
  std::vector<Transfer> written(2);
  written[0] = {.operation = "all-to-all",
                .backend = "redis-list",
                .workers = 13,
                .granularity = 5,
                .payload_bytes = Bytes::mb(1),
                .chunk_bytes = Bytes(65536),
                .run = 2,
                .iteration = 7,
                .total_bytes = Bytes::mb(169),
                .seconds = 0.123456789};
  written[1] = written[0];
  written[1].payload_bytes = written[1].total_bytes = Bytes();
  const auto read = parse_transfers(format_transfers(written), "f.csv");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2);
  const Transfer& first = read->front();
  EXPECT_EQ(first.operation, "all-to-all");
  EXPECT_EQ(first.backend, "redis-list");
  EXPECT_EQ(first.workers, 13);
  EXPECT_EQ(first.granularity, 5);
  EXPECT_EQ(first.payload_bytes, Bytes::mb(1));
  EXPECT_EQ(first.chunk_bytes, Bytes(65536));
  EXPECT_EQ(first.run, 2);
  EXPECT_EQ(first.iteration, 7);
  EXPECT_EQ(first.total_bytes, Bytes::mb(169));
  EXPECT_DOUBLE_EQ(first.seconds, 0.123456789);
  EXPECT_NEAR(first.mib_per_second(), 169 / 0.123456789, 1e-6);
  EXPECT_EQ(read->back().mib_per_second(), 0);
}

TEST(TransferFileTest, ColumnsInAnyOrderAndFurtherOnes) {
  const auto read = parse_transfers(
      "seconds,note,workers,operation,backend,granularity,payload_bytes,chunk_bytes,total_bytes\r\n"
      "0.5,mine,2,pair,tcp,1,1048576.0,1024,1048576\r\n",
      "f.csv");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->front().payload_bytes, Bytes::mb(1));
  EXPECT_DOUBLE_EQ(read->front().mib_per_second(), 2);
}

TEST(TransferFileTest, ErrorsNameLineAndField) {
  const std::string header = kHeader;
  EXPECT_THAT(complaint(""), HasSubstr("f.csv is empty; expected"));
  EXPECT_THAT(complaint(header), HasSubstr("f.csv has a header but no rows"));
  EXPECT_THAT(complaint("a,b\n"), HasSubstr("f.csv:1: not a transfer file: no column operation in 'a,b'"));
  EXPECT_THAT(complaint("run," + header), HasSubstr("f.csv:1:8: column run stands there twice"));
  const std::string good = "pair,tcp,2,1,8,8,1,0,8,0.5\n";
  EXPECT_EQ(complaint(header + good), "");
  EXPECT_THAT(complaint(header + good + "pair,tcp\n"), HasSubstr("f.csv:3: 2 fields where the header has 10"));
  EXPECT_THAT(complaint(header + "pair,tcp,x,1,8,8,1,0,8,0.5\n"),
              HasSubstr("f.csv:2:3: 'x' is not a number in column workers"));
  EXPECT_THAT(complaint(header + ",tcp,2,1,8,8,1,0,8,0.5\n"), HasSubstr("f.csv:2:1: '' is no name"));
  EXPECT_THAT(complaint(header + "pair,tcp,0,1,8,8,1,0,8,0.5\n"), HasSubstr("f.csv:2:3: '0' is not a number of"));
  EXPECT_THAT(complaint(header + "pair,tcp,2,0,8,8,1,0,8,0.5\n"), HasSubstr("f.csv:2:4: '0' is not a number of"));
  EXPECT_THAT(complaint(header + "pair,tcp,2,1,8.5,8,1,0,8,0.5\n"), HasSubstr("f.csv:2:5: '8.5' is not a whole"));
  EXPECT_THAT(complaint(header + "pair,tcp,2,1,8,8,1,0,8,0\n"), HasSubstr("f.csv:2:10: '0' is not a time"));
}

TEST(TransferFileTest, AFileThatIsNotThere) {
  const auto read = read_transfers("/absent/f.csv");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace gust::stats
