#include "stats/result_file.h"

#include <cstdlib>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace gust::stats {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

Record sample(std::uint32_t worker) {
  Record record;
  const double start = 1700000000.25 + worker * 0.001;
  record.host_job_create_tstamp = 1700000000.123456;
  record.host_job_serialize_time = 0.000125;
  record.func_data_size_bytes = Bytes(17);
  record.func_module_size_bytes = Bytes(123456);
  record.host_job_created_time = 0.0005;
  record.host_status_done_tstamp = start + 5.2;
  record.host_status_query_count = 3;
  record.worker_start_tstamp = start;
  record.host_submit_tstamp = 1700000000.13;
  record.worker_cold_start = worker % 2 == 0;
  record.worker_peak_memory_start = Bytes::mb(3);
  record.worker_func_start_tstamp = start + 0.001;
  record.worker_func_end_tstamp = start + 5;
  record.worker_func_exec_time = 4.999;
  record.func_result_size = Bytes(5);
  record.worker_result_upload_time = 0.0001;
  record.worker_peak_memory_end = Bytes::mb(4);
  record.worker_end_tstamp = start + 5.001;
  record.worker_exec_time = 5.001;
  record.host_result_done_tstamp = start + 5.3;
  record.host_result_query_count = 1;
  record.hostname = InvokerId(worker / 4);
  record.run = 2;
  record.worker_id = WorkerId(worker);
  record.pack_id = PackId(worker / 2);
  record.flare_received_tstamp = 1700000000.14;
  record.flare_reserved_tstamp = 1700000000.15;
  record.pack_received_tstamp = 1700000000.16;
  record.pack_launched_tstamp = 1700000000.17;
  record.pack_entered_tstamp = 1700000000.18;
  record.pack_loaded_tstamp = 1700000000.19;
  return record;
}

std::vector<Record> samples(std::uint32_t count) {
  std::vector<Record> records;
  for (std::uint32_t worker = 0; worker < count; ++worker) records.push_back(sample(worker));
  return records;
}

std::string error_of(std::string_view text) {
  const auto records = parse_results(text, "480/gran2.csv");
  if (records) return "no error";
  EXPECT_EQ(records.error().code, ErrorCode::kInvalid);
  return records.error().message;
}

constexpr std::string_view kHeader = "host_job_create_tstamp,worker_start_tstamp,worker_end_tstamp,hostname";

std::string with_rows(std::string_view rows) { return fmt::format("{}\n{}", kHeader, rows); }

TEST(ResultFile, HasTheColumnsThatOthersRead) {
  const std::string text = format_results({});
  EXPECT_THAT(text, StartsWith("host_job_create_tstamp,host_job_serialize_time,func_data_size_bytes,"
                               "func_module_size_bytes,host_func_upload_time,host_data_upload_time,"
                               "host_job_created_time,host_status_done_tstamp,host_status_query_count,"
                               "worker_start_tstamp,host_submit_tstamp,worker_cold_start,worker_peak_memory_start,"
                               "worker_func_start_tstamp,worker_func_end_tstamp,worker_func_exec_time,"
                               "func_result_size,worker_result_upload_time,worker_peak_memory_end,worker_end_tstamp,"
                               "worker_exec_time,host_result_done_tstamp,host_result_query_count,hostname,run,"));
}

TEST(ResultFile, WritesStampsWithMicrosecondsAndBooleansAsPythonDoes) {
  const std::string text = format_results(samples(2));
  EXPECT_THAT(text, HasSubstr("\n1700000000.123456,0.000125,17,123456,0.000000,"));
  EXPECT_THAT(text, HasSubstr(",True,3145728,"));
  EXPECT_THAT(text, HasSubstr(",False,3145728,"));
}

// A script of tests/stats gives a path here, to read with R what this writes.
TEST(ResultFile, ReadsWhatItWrote) {
  const char* wanted = std::getenv("GUST_SAMPLE_RESULTS");
  const std::filesystem::path path = wanted != nullptr ? wanted : testing::TempDir() + "round_trip.csv";
  const std::vector<Record> written = samples(48);
  ASSERT_TRUE(write_results(path, written));
  const auto read = read_results(path);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), written.size());
  EXPECT_EQ(format_results(*read), format_results(written));
  EXPECT_EQ((*read)[9].worker_id, WorkerId(9));
  EXPECT_EQ((*read)[9].hostname, InvokerId(2));
  EXPECT_FALSE((*read)[9].worker_cold_start);
  EXPECT_NEAR((*read)[9].latency(), written[9].latency(), 1e-6);
}

TEST(ResultFile, UnknownValuesStayUnknown) {
  Record record = sample(0);
  record.hostname.reset();
  record.pack_loaded_tstamp.reset();
  const auto read = parse_results(format_results({{record}}), "f.csv");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->front().hostname);
  EXPECT_FALSE(read->front().pack_loaded_tstamp);
  EXPECT_TRUE(read->front().pack_launched_tstamp);
}

TEST(ResultFile, TakesColumnsInAnyOrderFurtherOnesAndNoHostname) {
  const auto read = parse_results(
      "\"\",worker_end_tstamp , note,worker_start_tstamp,host_job_create_tstamp\r\n"
      "\"1\", 107.5 ,\"a, b\", +102.25,1.01e2\r\n",
      "f.csv");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->front().worker_end_tstamp, 107.5);
  EXPECT_EQ(read->front().latency(), 1.25);
  EXPECT_FALSE(read->front().hostname);
  EXPECT_EQ(read->front().run, 1U);
}

TEST(ResultFile, TakesWholeNumbersWrittenWithAPoint) {
  const auto read = parse_results(with_rows("1,2,3,7.0\n"), "f.csv");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->front().hostname, InvokerId(7));
}

TEST(ResultFile, KeepsRepeatedRows) {
  EXPECT_EQ(parse_results(with_rows("1,2,3,0\n1,2,3,0\n"), "f.csv").value().size(), 2U);
}

TEST(ResultFile, SaysWhatWasExpectedOfAnEmptyFile) {
  for (const char* text : {"", "\n\n", "\xEF\xBB\xBF", " , ,\r\n"}) {
    EXPECT_THAT(error_of(text),
                AllOf(StartsWith("480/gran2.csv is empty; expected"), HasSubstr("worker_start_tstamp")));
  }
  EXPECT_THAT(error_of(with_rows("")), HasSubstr("has a header but no rows; expected"));
}

TEST(ResultFile, SaysWhatWasExpectedOfAForeignFile) {
  EXPECT_THAT(error_of("time;value\n1;2\n"), AllOf(StartsWith("480/gran2.csv:1: not a result file"),
                                                   HasSubstr("'time;value'"), HasSubstr("expected")));
  EXPECT_THAT(error_of("\x89PNG\r\n\x1a\n\x01\x02"), HasSubstr("'?PNG'"));
}

TEST(ResultFile, NamesLineAndColumnOfWhatIsNotANumber) {
  EXPECT_EQ(error_of(with_rows("1,2,3,0\n\n1,abc,3,0\n")),
            "480/gran2.csv:4:2: 'abc' is not a number in column worker_start_tstamp");
  EXPECT_EQ(error_of(with_rows("1,2 3,3,0\n")),
            "480/gran2.csv:2:2: '2 3' is not a number in column worker_start_tstamp");
  EXPECT_EQ(error_of(with_rows("1,inf,3,0\n")),
            "480/gran2.csv:2:2: 'inf' is not a number in column worker_start_tstamp");
  EXPECT_EQ(error_of(with_rows("1,2,3,node-7\n")), "480/gran2.csv:2:4: 'node-7' is not a number in column hostname");
  EXPECT_EQ(error_of(with_rows("1,2,3,-1\n")),
            "480/gran2.csv:2:4: '-1' is not a whole number from 0 in column hostname");
  EXPECT_EQ(error_of(with_rows("1,2,3,4294967296\n")),
            "480/gran2.csv:2:4: '4294967296' is too large a number in column hostname");
}

TEST(ResultFile, RefusesStampsThatMakeNoSense) {
  EXPECT_EQ(error_of(with_rows("1,,3,0\n")), "480/gran2.csv:2:2: no value in column worker_start_tstamp");
  EXPECT_EQ(error_of(with_rows("1,NA,3,0\n")), "480/gran2.csv:2:2: no value in column worker_start_tstamp");
  EXPECT_EQ(error_of(with_rows("1,4,3,0\n")), "480/gran2.csv:2:3: worker_end_tstamp lies before worker_start_tstamp");
  EXPECT_THAT(error_of(with_rows("1700000000123,1700000000125,1700000000130,0\n")),
              StartsWith("480/gran2.csv:2:1: '1700000000123' is too large for Unix seconds"));
}

TEST(ResultFile, RefusesRowsOfAnotherWidth) {
  EXPECT_EQ(error_of(with_rows("1,2,3,0\n1,2\n")), "480/gran2.csv:3: 2 fields where the header has 4");
  EXPECT_EQ(error_of(with_rows("1,2,3,0,9\n")), "480/gran2.csv:2: 5 fields where the header has 4");
  EXPECT_TRUE(parse_results(with_rows("1,2,3,0,,\n"), "f.csv"));
}

TEST(ResultFile, RefusesAColumnThatStandsTwice) {
  EXPECT_EQ(error_of("worker_start_tstamp,worker_start_tstamp\n"),
            "480/gran2.csv:1:2: column worker_start_tstamp stands there twice");
}

TEST(ResultFile, RefusesWhatCannotBeRead) {
  const auto missing = read_results("/nonexistent/gran2.csv");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cannot read /nonexistent/gran2.csv: No such file or directory");
  const auto directory = read_results("/tmp");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().message, "cannot read /tmp: Is a directory");
}

TEST(ResultFile, LeavesNothingWhereItCannotWrite) {
  const auto written = write_results("/nonexistent/gran2.csv", samples(1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(written.error().message, "cannot write /nonexistent/gran2.csv: No such file or directory");

  const std::filesystem::path directory = testing::TempDir() + "in_the_way.csv";
  std::filesystem::create_directory(directory);
  EXPECT_FALSE(write_results(directory, samples(1)));
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  std::filesystem::remove(directory);
}

}  // namespace
}  // namespace gust::stats
