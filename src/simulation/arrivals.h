// What comes to a simulated cluster, and when: read from a file, or made by a generator.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "scheduler/policy.h"

namespace gust::simulation {

/// One flare.
struct Arrival {
  scheduler::Moment at{0};  ///< from the beginning of the trace
  std::string namespace_name = "guest";
  std::uint32_t workers = 1;
  std::uint32_t granularity = 0;  ///< workers a pack; 0 for packs as big as what is free
  Bytes memory = Bytes::mb(256);  ///< of a pack
  std::chrono::microseconds runtime{0};
  std::chrono::microseconds limit = std::chrono::minutes(1);  ///< it ends then at the latest
  scheduler::Priority priority = 0;
};

/// A CSV file with a header. Columns `at_s`, `workers` and `runtime_s` have to be there; `namespace`, `granularity`,
/// `memory_mb`, `limit_s` and `priority` may be. In any order; sorted by time when read.
/// kInvalid names file, line and field.
Result<std::vector<Arrival>> read_arrivals(std::string_view text, const std::string& name);

enum class Pattern : std::uint8_t {
  kPoisson,  ///< one by one, independent of each other
  kBursty,   ///< about twenty of one namespace at once, and long gaps
};

struct Generator {
  std::uint64_t seed = 1;
  std::size_t flares = 10'000;
  Pattern pattern = Pattern::kPoisson;
  double load = 0.9;  ///< work that arrives, as a part of what `slots` slots can do
  std::uint64_t slots = 960;
  std::uint32_t namespaces = 4;        ///< ns-0, ns-1, …; each has half as many flares as the one before
  std::uint32_t most_workers = 480;    ///< sizes are log-uniform from 1 on
  std::uint32_t granularity = 0;       ///< as in Arrival, or the size of a smaller flare
  double mean_runtime_seconds = 10;    ///< exponential
  std::chrono::microseconds limit{0};  ///< of all, at which they end; 0: each has one to five times its own run time
};

/// The same arrivals for the same values, on every machine.
std::vector<Arrival> generate(const Generator& generator);

}  // namespace gust::simulation
