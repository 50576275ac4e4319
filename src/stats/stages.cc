#include "stats/stages.h"

#include <array>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "stats/quantiles.h"
#include "stats/text_table.h"

namespace gust::stats {

namespace {

struct Stage {
  std::string_view name;
  std::string_view until;  // the column that ends it
  std::function<std::optional<double>(const Record&)> stamp;
};

// Each begins where the one before ends, the first one with host_job_create_tstamp.
const std::array<Stage, 8>& stages() {
  static const std::array<Stage, 8> kAll{{
      {"wait in the client", "host_submit", [](const Record& r) { return std::optional(r.host_submit_tstamp); }},
      {"connect, TLS, request", "flare_received", &Record::flare_received_tstamp},
      {"read, plan, reserve", "flare_reserved", &Record::flare_reserved_tstamp},
      {"order to the invoker", "pack_received", &Record::pack_received_tstamp},
      {"create the process", "pack_launched", &Record::pack_launched_tstamp},
      {"set up, until gust-pack runs", "pack_entered", &Record::pack_entered_tstamp},
      {"load the code", "pack_loaded", &Record::pack_loaded_tstamp},
      {"start the worker", "worker_start", [](const Record& r) { return std::optional(r.worker_start_tstamp); }},
  }};
  return kAll;
}

std::string in_ms(double seconds) { return fmt::format("{:.2f}", seconds * 1e3); }

}  // namespace

Result<std::string> stage_table(const ResultFile& file) {
  std::array<std::vector<double>, 8> takes;
  std::array<std::vector<double>, 8> over;
  for (const Run& run : file.runs) {
    for (const Record& record : run.workers) {
      double before = record.host_job_create_tstamp;
      for (std::size_t i = 0; i < stages().size(); ++i) {
        const std::optional<double> stamp = stages()[i].stamp(record);
        if (!stamp || *stamp == 0) {
          return fail(ErrorCode::kInvalid,
                      fmt::format("{} has no {}_tstamp for each worker, so its stages are not known; files that gust "
                                  "bench startup writes have it",
                                  file.path.string(), stages()[i].until));
        }
        takes[i].push_back(*stamp - before);
        over[i].push_back(*stamp - record.host_job_create_tstamp);
        before = *stamp;
      }
    }
  }
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < stages().size(); ++i) {
    const Summary took = summarize(std::move(takes[i]));
    const Summary reached = summarize(std::move(over[i]));
    rows.push_back({std::string(stages()[i].name), std::string(stages()[i].until), in_ms(took.p50), in_ms(took.max),
                    in_ms(reached.p50), in_ms(reached.max)});
  }
  return format_table({"stage", "until", "takes p50", "takes max", "over p50", "over last"}, rows, 2);
}

}  // namespace gust::stats
