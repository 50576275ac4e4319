// Summaries of result files as a table for people and as JSON for programs.
#pragma once

#include <span>
#include <string>

#include "base/json.h"
#include "stats/result_set.h"

namespace gust::stats {

/// One row a run, times in seconds or milliseconds as fits (the first line says which). Ends with a newline.
std::string summary_table(std::span<const ResultFile> files);

/// An array with one object a run: {file, burst_size, run, granularity, workers, distinct_workers, peak_concurrent,
/// min, p50, p90, p99, max, range, mean_abs_dev, median_abs_dev, iqr}; times in seconds. `granularity` is a number for
/// gran<g>.csv, "faas" for faas.csv, else the file's name.
Json summary_json(std::span<const ResultFile> files);

/// The part of such an object that depends on the run alone: workers … iqr.
Json to_json(const RunSummary& summary);

/// How to write durations so that the largest and the smallest of a set can both be read.
struct TimeScale {
  double per_second = 1;  ///< what to multiply seconds by
  int decimals = 2;
  std::string unit = "s";
  std::string unit_name = "seconds";

  [[nodiscard]] std::string format(double seconds) const;
};

/// Seconds where the largest reaches one second, else milliseconds.
TimeScale time_scale(double largest_seconds);

}  // namespace gust::stats
