#include "stats/report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>
#include <utility>
#include <vector>

#include "stats/text_table.h"

namespace gust::stats {

namespace {

std::string table_label(const ResultFile& file) { return file.stands_for_faas ? "1 (FaaS)" : file.label(); }

Json json_label(const Granularity& granularity) {
  switch (granularity.kind) {
    case Granularity::Kind::kFaas: return "faas";
    case Granularity::Kind::kPacks: return granularity.workers_per_pack;
    case Granularity::Kind::kOther: break;
  }
  return granularity.file_name;
}

// The stamps are microseconds: further digits would be those of floating-point arithmetic only.
double in_micros(double seconds) { return std::round(seconds * 1e6) / 1e6; }

}  // namespace

std::string TimeScale::format(double seconds) const { return fmt::format("{:.{}f}", seconds * per_second, decimals); }

TimeScale time_scale(double largest_seconds) {
  if (largest_seconds >= 1) return {};
  return {.per_second = 1000, .decimals = 2, .unit = "ms", .unit_name = "milliseconds"};
}

std::string summary_table(std::span<const ResultFile> files) {
  struct Row {
    const ResultFile& file;
    RunSummary summary;
  };
  std::vector<Row> summaries;
  double largest = 0;
  double smallest_median = 1e9;
  bool several_runs = false;
  for (const ResultFile& file : files) {
    several_runs |= file.runs.size() > 1;
    for (const Run& run : file.runs) {
      summaries.push_back({file, summarize(run)});
      largest = std::max(largest, summaries.back().summary.latency.max);
      smallest_median = std::min(smallest_median, summaries.back().summary.latency.p50);
    }
  }
  TimeScale scale = time_scale(largest);
  if (scale.per_second == 1 && smallest_median < 1) scale.decimals = 4;

  // Two experiments of one shape side by side can be told apart by their files only.
  std::set<std::pair<std::size_t, std::string>> shapes;
  for (const ResultFile& file : files) shapes.emplace(file.burst_size, file.label());
  const bool ambiguous = shapes.size() < files.size();

  std::vector<std::string> header;
  if (ambiguous) header.emplace_back("file");
  header.insert(header.end(), {"burst_size", "granularity"});
  if (several_runs) header.emplace_back("run");
  for (const char* name : {"workers", "distinct_workers", "peak_concurrent", "min", "p50", "p90", "p99", "max", "range",
                           "mean_abs_dev", "median_abs_dev", "iqr"}) {
    header.emplace_back(name);
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [file, summary] : summaries) {
    std::vector<std::string>& row = rows.emplace_back();
    if (ambiguous) row.push_back(file.path.string());
    row.insert(row.end(), {fmt::format("{}", file.burst_size), table_label(file)});
    if (several_runs) row.push_back(fmt::format("{}", summary.run));
    row.push_back(fmt::format("{}", summary.workers));
    row.push_back(fmt::format("{}", summary.distinct_workers));
    row.push_back(fmt::format("{}", summary.peak_concurrent));
    const Summary& latency = summary.latency;
    for (const double value : {latency.min, latency.p50, latency.p90, latency.p99, latency.max, latency.range,
                               latency.mean_abs_dev, latency.median_abs_dev, latency.iqr}) {
      row.push_back(scale.format(value));
    }
  }
  return fmt::format("Start-up latency in {} (worker start - job create)\n", scale.unit_name) +
         format_table(header, rows, ambiguous ? 1 : 0);
}

Json to_json(const RunSummary& summary) {
  const Summary& latency = summary.latency;
  return {{"workers", summary.workers},
          {"distinct_workers", summary.distinct_workers},
          {"peak_concurrent", summary.peak_concurrent},
          {"min", in_micros(latency.min)},
          {"p50", in_micros(latency.p50)},
          {"p90", in_micros(latency.p90)},
          {"p99", in_micros(latency.p99)},
          {"max", in_micros(latency.max)},
          {"range", in_micros(latency.range)},
          {"mean_abs_dev", in_micros(latency.mean_abs_dev)},
          {"median_abs_dev", in_micros(latency.median_abs_dev)},
          {"iqr", in_micros(latency.iqr)}};
}

Json summary_json(std::span<const ResultFile> files) {
  Json all = Json::array();
  for (const ResultFile& file : files) {
    for (const Run& run : file.runs) {
      Json entry = {{"file", file.path.string()},
                    {"burst_size", file.burst_size},
                    {"run", run.number},
                    {"granularity", json_label(file.granularity)}};
      entry.update(to_json(summarize(run)));
      all.push_back(std::move(entry));
    }
  }
  return all;
}

}  // namespace gust::stats
