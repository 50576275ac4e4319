#include "stats/columns.h"

#include <array>

namespace gust::stats {

std::span<const Column> columns() {
  static const auto kColumns = std::to_array<Column>({
      {"host_job_create_tstamp", &Record::host_job_create_tstamp, Need::kRequired},
      {"host_job_serialize_time", &Record::host_job_serialize_time},
      {"func_data_size_bytes", &Record::func_data_size_bytes},
      {"func_module_size_bytes", &Record::func_module_size_bytes},
      {"host_func_upload_time", &Record::host_func_upload_time},
      {"host_data_upload_time", &Record::host_data_upload_time},
      {"host_job_created_time", &Record::host_job_created_time},
      {"host_status_done_tstamp", &Record::host_status_done_tstamp},
      {"host_status_query_count", &Record::host_status_query_count},
      {"worker_start_tstamp", &Record::worker_start_tstamp, Need::kRequired},
      {"host_submit_tstamp", &Record::host_submit_tstamp},
      {"worker_cold_start", &Record::worker_cold_start},
      {"worker_peak_memory_start", &Record::worker_peak_memory_start},
      {"worker_func_start_tstamp", &Record::worker_func_start_tstamp},
      {"worker_func_end_tstamp", &Record::worker_func_end_tstamp},
      {"worker_func_exec_time", &Record::worker_func_exec_time},
      {"func_result_size", &Record::func_result_size},
      {"worker_result_upload_time", &Record::worker_result_upload_time},
      {"worker_peak_memory_end", &Record::worker_peak_memory_end},
      {"worker_end_tstamp", &Record::worker_end_tstamp, Need::kRequired},
      {"worker_exec_time", &Record::worker_exec_time},
      {"host_result_done_tstamp", &Record::host_result_done_tstamp},
      {"host_result_query_count", &Record::host_result_query_count},
      {"hostname", &Record::hostname},
      {"run", &Record::run},
      {"worker_id", &Record::worker_id},
      {"pack_id", &Record::pack_id},
      {"flare_received_tstamp", &Record::flare_received_tstamp},
      {"flare_reserved_tstamp", &Record::flare_reserved_tstamp},
      {"pack_received_tstamp", &Record::pack_received_tstamp},
      {"pack_launched_tstamp", &Record::pack_launched_tstamp},
      {"pack_entered_tstamp", &Record::pack_entered_tstamp},
      {"pack_loaded_tstamp", &Record::pack_loaded_tstamp},
  });
  return kColumns;
}

}  // namespace gust::stats
