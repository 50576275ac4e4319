// One worker's record: a row of a result file. The first 23 columns and their order are those of the statistics that
// Lithops writes, and `hostname` is what the published measurements of "Burst Computing" (USENIX ATC '25) append, so
// that scripts made for those files read ours; the rest is our own.
//
// A member is named as its column. *_tstamp are Unix seconds on the wall clock (microseconds matter), *_time are
// durations in seconds, 0 where there was nothing to measure. host_* is the client, worker_* the worker itself.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"

namespace gust::stats {

struct Record {
  double host_job_create_tstamp = 0;  ///< the client begins its call: the zero of start-up latency
  double host_job_serialize_time = 0;
  Bytes func_data_size_bytes;    ///< this worker's parameters
  Bytes func_module_size_bytes;  ///< the code
  double host_func_upload_time = 0;
  double host_data_upload_time = 0;
  double host_job_created_time = 0;    ///< from host_job_create_tstamp until the request is ready to be sent
  double host_status_done_tstamp = 0;  ///< the client learnt that the worker had ended
  std::uint64_t host_status_query_count = 0;
  double worker_start_tstamp = 0;  ///< the worker's first instruction
  double host_submit_tstamp = 0;   ///< the client sends the request that starts this worker
  bool worker_cold_start = true;
  Bytes worker_peak_memory_start;       ///< of the worker's process, before user code
  double worker_func_start_tstamp = 0;  ///< user code is entered
  double worker_func_end_tstamp = 0;
  double worker_func_exec_time = 0;
  Bytes func_result_size;
  double worker_result_upload_time = 0;
  Bytes worker_peak_memory_end;
  double worker_end_tstamp = 0;        ///< the result is handed over
  double worker_exec_time = 0;         ///< worker_start_tstamp to worker_end_tstamp
  double host_result_done_tstamp = 0;  ///< the client holds the result
  std::uint64_t host_result_query_count = 0;

  std::optional<InvokerId> hostname;  ///< index of the worker's invoker

  std::uint32_t run = 1;                        ///< which repeat of the experiment, from 1
  std::optional<WorkerId> worker_id;            ///< index in the flare; in FaaS mode, of the invocation
  std::optional<PackId> pack_id;                ///< index in the flare; in FaaS mode, of the invocation
  std::optional<double> flare_received_tstamp;  ///< the controller has read the request
  std::optional<double> flare_reserved_tstamp;  ///< all packs of the flare have their place
  std::optional<double> pack_received_tstamp;   ///< the invoker has read the order to start the pack
  std::optional<double> pack_launched_tstamp;   ///< the pack's process exists
  std::optional<double> pack_entered_tstamp;    ///< first instruction of the pack's main
  std::optional<double> pack_loaded_tstamp;     ///< code and parameters are in the pack's memory

  /// Start-up latency, seconds.
  [[nodiscard]] double latency() const { return worker_start_tstamp - host_job_create_tstamp; }
};

}  // namespace gust::stats
