#include "stats/stages.h"

#include <gtest/gtest.h>

namespace gust::stats {
namespace {

Record worker_after(double seconds) {
  Record record;
  record.host_job_create_tstamp = 1000;
  record.host_submit_tstamp = 1000.001;
  record.flare_received_tstamp = 1000.003;
  record.flare_reserved_tstamp = 1000.004;
  record.pack_received_tstamp = 1000.005;
  record.pack_launched_tstamp = 1000.010;
  record.pack_entered_tstamp = 1000.011;
  record.pack_loaded_tstamp = 1000.012;
  record.worker_start_tstamp = 1000 + seconds;
  return record;
}

ResultFile file_of(std::vector<Record> workers) {
  ResultFile file;
  file.path = "results/960/gran48.csv";
  file.runs.push_back({.number = 1, .rows = workers.size(), .workers = std::move(workers)});
  return file;
}

TEST(Stages, EachIsCountedFromTheOneBeforeAndFromTheCall) {
  const auto table = stage_table(file_of({worker_after(0.013), worker_after(0.014), worker_after(0.022)}));
  ASSERT_TRUE(table.has_value()) << table.error().message;
  const std::string first = table->substr(table->find("wait in the client"));
  EXPECT_EQ(first.substr(0, first.find('\n')).find("1.00"), first.find("1.00"));
  const std::string last = table->substr(table->find("start the worker"));
  for (const char* expected : {"2.00", "10.00", "14.00", "22.00"}) {
    EXPECT_NE(last.find(expected), std::string::npos) << expected << " in " << last;
  }
}

TEST(Stages, AFileWithoutThemIsRefusedByName) {
  Record published = worker_after(0.013);
  published.pack_entered_tstamp.reset();
  const auto table = stage_table(file_of({published}));
  ASSERT_FALSE(table.has_value());
  EXPECT_NE(table.error().message.find("results/960/gran48.csv"), std::string::npos);
  EXPECT_NE(table.error().message.find("pack_entered_tstamp"), std::string::npos);
}

}  // namespace
}  // namespace gust::stats
