// The start-up experiment of "Burst Computing" (USENIX ATC '25), Figure 6: a burst of sleeping workers, started at
// several granularities and as separate invocations, each measured beside the machine's floor.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "bench/calls.h"
#include "bench/cluster.h"
#include "bench/floor.h"
#include "bench/mode.h"
#include "bench/progress.h"
#include "stats/runs.h"

namespace gust::bench {

struct StartupOptions {
  std::uint32_t workers = 960;
  std::vector<Mode> modes;
  double sleep = 5;                           ///< seconds that each worker sleeps
  std::uint32_t repeat = 1;                   ///< runs of each mode
  std::uint32_t outstanding = 100;            ///< invocations under way at once, FaaS
  Bytes memory = Bytes::mb(256);              ///< limit of each container
  std::string worker_object;                  ///< path of the compiled worker (examples/sleep.cc)
  std::string pack_binary;                    ///< for the floor
  Namespaces namespaces = Namespaces::kNone;  ///< of the floor
  /// Containers that wait ready on all invokers together before each run; with any, the floor's processes do, too.
  std::uint32_t prewarmed = 0;
  std::filesystem::path out;  ///< result files go to out/<workers>/; empty: none are written
};

/// One run of one mode.
struct StartupRun {
  Mode mode;
  stats::RunSummary summary;
  double floor_max = 0;         ///< seconds until the floor's last thread had started, measured just before
  double ratio_to_floor = 0;    ///< summary.latency.max / floor_max
  std::uint32_t prewarmed = 0;  ///< of its packs, those whose container was there before
  std::chrono::microseconds controller_cpu{0};  ///< less what it uses in as much time with nothing to do
};

/// Deploys the worker, warms up, runs everything, verifies that every worker ran exactly once and that all of a flare
/// ran at the same time, and writes the result files. Blocks. kInternal when the verification fails: the message says
/// how.
Result<std::vector<StartupRun>> run_startup(const Target& target, const StartupOptions& options, const Say& say);

/// {granularity, run, workers, distinct_workers, peak_concurrent, min … iqr, floor_max, ratio_to_floor,
/// prewarmed_packs, controller_cpu}; times in seconds.
Json to_json(const StartupRun& run);

}  // namespace gust::bench
