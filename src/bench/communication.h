// How fast workers of a burst talk to each other: one operation after the other, in flares of a worker that brings
// contents which all know and compares what it gets (workers/communicate.cc).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "bench/cluster.h"
#include "bench/progress.h"
#include "bench/shapes.h"
#include "stats/quantiles.h"
#include "stats/transfer.h"

namespace gust::bench {

struct CommunicationOptions {
  std::string backend = "tcp";
  std::uint32_t warm_up = 2;      ///< iterations that are compared but not measured
  std::uint32_t iterations = 10;  ///< measured, in one flare
  std::uint32_t repeat = 1;       ///< flares of each shape
  std::string worker_object;      ///< path of the compiled worker
  std::filesystem::path out;      ///< result files go there; empty: none are written
};

/// One flare.
struct CommunicationRun {
  Shape shape;
  std::vector<stats::Transfer> transfers;  ///< one an iteration
  stats::Summary seconds;
  double mib_per_second = 0;  ///< of all workers together, from the median
};

/// Memory limit of a pack that runs this shape.
Bytes memory_of(const Shape& shape);

/// Deploys the worker and runs every shape `repeat` times. An iteration lasts from the first worker that began, after a
/// barrier, to the last that ended, on the hosts' wall clocks. Writes <operation>-<backend>.csv below `out`. Blocks.
/// kInternal when a worker got wrong data, and when the controller chose another backend than was asked for; kCrashed
/// when a flare failed; the message names shape, worker and cause.
Result<std::vector<CommunicationRun>> run_communication(const Target& target, const CommunicationOptions& options,
                                                        std::span<const Shape> shapes, const Say& say);

/// {operation, backend, workers, granularity, packs, payload_bytes, chunk_bytes, run, iterations, min, p50, p90, p99,
/// max, range, median_abs_dev, iqr, total_bytes, mib_per_second}; times in seconds.
Json to_json(const CommunicationRun& run);

}  // namespace gust::bench
