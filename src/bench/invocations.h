// How many small blocking invocations a second a cluster answers over kept connections. Each is a container of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "bench/cluster.h"
#include "bench/floor.h"
#include "bench/progress.h"

namespace gust::bench {

struct InvocationsOptions {
  std::uint32_t clients = 8;  ///< each with one connection; it asks again as soon as it was answered
  std::chrono::duration<double> length{5};
  std::uint32_t repeat = 3;
  std::string worker_object;                  ///< path of the compiled worker (examples/hello.cc)
  std::string pack_binary;                    ///< for the floor
  Namespaces namespaces = Namespaces::kNone;  ///< of the floor
};

struct InvocationsRun {
  std::uint64_t answered = 0;
  double per_second = 0;
  double p50 = 0;  ///< seconds from a request to its answer
  double p99 = 0;
  double floor_per_second = 0;  ///< containers of one worker, of the bare calls, measured just after
  double floor_ratio = 0;       ///< floor_per_second / per_second
  double client_cpu_share = 0;  ///< of the machine's processors, used by the clients
  std::uint32_t clients = 0;
};

/// Deploys the worker, warms up and runs everything. Blocks. kCrashed when an invocation does not succeed.
Result<std::vector<InvocationsRun>> run_invocations(const Target& target, const InvocationsOptions& options,
                                                    const Say& say);

/// Its members; times in seconds.
Json to_json(const InvocationsRun& run);

}  // namespace gust::bench
