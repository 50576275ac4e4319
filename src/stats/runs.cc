#include "stats/runs.h"

#include <fmt/format.h>
#include <map>
#include <set>
#include <tuple>

namespace gust::stats {

namespace {

auto identity(const Record& record) {
  return std::tuple(record.worker_start_tstamp, record.worker_func_start_tstamp, record.worker_func_end_tstamp,
                    record.worker_end_tstamp, record.host_job_create_tstamp, record.worker_id);
}

}  // namespace

std::vector<Run> split_runs(std::span<const Record> records) {
  struct Seen {
    Run run;
    std::set<decltype(identity(Record()))> identities;
  };
  std::map<std::uint32_t, Seen> by_number;
  for (const Record& record : records) {
    auto& [run, identities] = by_number[record.run];
    run.number = record.run;
    ++run.rows;
    if (identities.insert(identity(record)).second) run.workers.push_back(record);
  }
  std::vector<Run> runs;
  for (auto& [number, seen] : by_number) runs.push_back(std::move(seen.run));
  return runs;
}

std::optional<std::string> repetition(std::span<const Run> runs) {
  std::size_t rows = 0;
  std::size_t distinct = 0;
  for (const Run& run : runs) {
    rows += run.rows;
    distinct += run.workers.size();
  }
  if (rows == distinct) return std::nullopt;
  std::string text = fmt::format("{} rows, {} distinct {}: ", rows, distinct, distinct == 1 ? "worker" : "workers");
  // Evenly, as far as counts can tell.
  if (rows == 2 * distinct) return text + "every measurement stands twice";
  if (rows % distinct == 0) return text + fmt::format("every measurement stands {} times", rows / distinct);
  return text + fmt::format("{} {} others", rows - distinct, rows - distinct == 1 ? "row repeats" : "rows repeat");
}

std::vector<double> latencies(const Run& run) {
  std::vector<double> values;
  values.reserve(run.workers.size());
  for (const Record& record : run.workers) values.push_back(record.latency());
  return values;
}

std::vector<Segment> lifetimes(const Run& run) {
  std::vector<Segment> segments;
  segments.reserve(run.workers.size());
  for (const Record& record : run.workers) segments.push_back({record.worker_start_tstamp, record.worker_end_tstamp});
  return segments;
}

RunSummary summarize(const Run& run) {
  return {.run = run.number,
          .workers = run.rows,
          .distinct_workers = run.workers.size(),
          .peak_concurrent = peak_concurrent(lifetimes(run)),
          .latency = summarize(latencies(run))};
}

}  // namespace gust::stats
