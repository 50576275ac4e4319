// The records of a file as runs, and each run as one line of a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stats/concurrency.h"
#include "stats/quantiles.h"
#include "stats/record.h"

namespace gust::stats {

/// One repeat of an experiment: what `run` tells apart.
struct Run {
  std::uint32_t number = 1;
  std::size_t rows = 0;         ///< as the file has them
  std::vector<Record> workers;  ///< without repeated rows, in the file's order
};

/// In the order of their numbers. Two rows of a run are one measurement written twice when all stamps that the worker
/// took itself are equal, and the worker_id too where there is one; the first of them stays. (Not the whole row: there
/// are published files that repeat each worker under another hostname.)
std::vector<Run> split_runs(std::span<const Record> records);

/// "960 rows, 480 distinct workers: every measurement stands twice", when rows repeat.
std::optional<std::string> repetition(std::span<const Run> runs);

/// Everything here is computed on the distinct workers, so that rows that stand twice do not count twice.
struct RunSummary {
  std::uint32_t run = 1;
  std::size_t workers = 0;  ///< rows of the file
  std::size_t distinct_workers = 0;
  std::uint32_t peak_concurrent = 0;  ///< most workers alive at once
  Summary latency;                    ///< start-up latency, seconds
};

RunSummary summarize(const Run& run);

/// Start-up latencies in seconds, one a worker.
std::vector<double> latencies(const Run& run);

/// Start to end of each worker, Unix seconds.
std::vector<Segment> lifetimes(const Run& run);

}  // namespace gust::stats
