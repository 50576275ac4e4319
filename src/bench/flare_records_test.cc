#include "bench/flare_records.h"

#include <gtest/gtest.h>

namespace gust::bench {
namespace {

// Three workers in two packs on two invokers, as GET /flares/{id}?results=true shows them.
const Json kFlare = Json::parse(R"({
  "stamps": {"received": 100.5, "reserved": 100.25},
  "packs": [
    {"pack": 0, "invoker": 7, "received": 101, "launched": 102, "entered": 103, "loaded": 104,
     "peak_memory_bytes_at_start": 1000, "prewarmed": false},
    {"pack": 1, "invoker": 3, "received": 101.5, "launched": null, "entered": 103.5, "loaded": 104.5,
     "peak_memory_bytes_at_start": 2000, "prewarmed": true}],
  "workers": [
    {"worker": 0, "pack": 0, "started": 105, "function_started": 106, "function_ended": 110, "ended": 111,
     "peak_memory_bytes": 5000, "result": {"a": 1}},
    {"worker": 1, "pack": 0, "started": 105, "function_started": 106, "function_ended": 110, "ended": 111,
     "peak_memory_bytes": 5001, "result": 7},
    {"worker": 2, "pack": 1, "started": 107.5, "function_started": 108, "function_ended": 109, "ended": 111.5,
     "peak_memory_bytes": 6000, "result": null}]})");

TEST(FlareRecords, EachWorkerHasItsOwnRowWithItsPacksStamps) {
  stats::Record client;
  client.host_job_create_tstamp = 100;
  client.func_module_size_bytes = Bytes(77);
  const auto records = records_of(kFlare, client);
  ASSERT_EQ(records.size(), 3U);

  const stats::Record& last = records[2];
  EXPECT_EQ(last.worker_id, WorkerId(2));
  EXPECT_EQ(last.pack_id, PackId(1));
  EXPECT_EQ(last.hostname, InvokerId(3));
  EXPECT_DOUBLE_EQ(last.latency(), 7.5);
  EXPECT_DOUBLE_EQ(last.worker_func_exec_time, 1);
  EXPECT_DOUBLE_EQ(last.worker_exec_time, 4);
  EXPECT_EQ(last.pack_received_tstamp, 101.5);
  EXPECT_EQ(last.pack_launched_tstamp, 0);  // null: there was nothing to measure
  EXPECT_EQ(last.pack_loaded_tstamp, 104.5);
  EXPECT_EQ(last.flare_received_tstamp, 100.5);
  EXPECT_EQ(last.flare_reserved_tstamp, 100.25);
  EXPECT_EQ(last.worker_peak_memory_start, Bytes(2000));
  EXPECT_EQ(last.worker_peak_memory_end, Bytes(6000));
  EXPECT_EQ(last.func_module_size_bytes, Bytes(77));

  EXPECT_EQ(records[0].hostname, InvokerId(7));
  EXPECT_EQ(records[0].func_result_size, Bytes(std::string_view(R"({"a":1})").size()));
  EXPECT_EQ(records[1].func_result_size, Bytes(1));
}

}  // namespace
}  // namespace gust::bench
