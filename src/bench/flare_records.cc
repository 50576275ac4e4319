#include "bench/flare_records.h"

namespace gust::bench {

namespace {

double stamp(const Json& object, const char* name) {
  const Json& value = object.at(name);
  return value.is_null() ? 0 : value.get<double>();
}

}  // namespace

std::vector<stats::Record> records_of(const Json& flare, const stats::Record& client) {
  std::vector<stats::Record> records;
  const Json& packs = flare.at("packs");
  for (const Json& worker : flare.at("workers")) {
    const Json& pack = packs.at(worker.at("pack").get<std::size_t>());
    stats::Record record = client;
    record.worker_start_tstamp = stamp(worker, "started");
    record.worker_func_start_tstamp = stamp(worker, "function_started");
    record.worker_func_end_tstamp = stamp(worker, "function_ended");
    record.worker_end_tstamp = stamp(worker, "ended");
    record.worker_func_exec_time = record.worker_func_end_tstamp - record.worker_func_start_tstamp;
    record.worker_exec_time = record.worker_end_tstamp - record.worker_start_tstamp;
    record.func_result_size = Bytes(dump_json(worker.at("result")).size());
    record.worker_peak_memory_start = Bytes(pack.at("peak_memory_bytes_at_start").get<std::uint64_t>());
    record.worker_peak_memory_end = Bytes(worker.at("peak_memory_bytes").get<std::uint64_t>());
    record.worker_cold_start = !pack.at("prewarmed").get<bool>();
    record.hostname = InvokerId(pack.at("invoker").get<std::uint32_t>());
    record.worker_id = WorkerId(worker.at("worker").get<std::uint32_t>());
    record.pack_id = PackId(pack.at("pack").get<std::uint32_t>());
    record.flare_received_tstamp = stamp(flare.at("stamps"), "received");
    record.flare_reserved_tstamp = stamp(flare.at("stamps"), "reserved");
    record.pack_received_tstamp = stamp(pack, "received");
    record.pack_launched_tstamp = stamp(pack, "launched");
    record.pack_entered_tstamp = stamp(pack, "entered");
    record.pack_loaded_tstamp = stamp(pack, "loaded");
    records.push_back(record);
  }
  return records;
}

}  // namespace gust::bench
