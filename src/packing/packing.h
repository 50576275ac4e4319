// Packing: which workers of a flare go into which container on which invoker. Pure functions: no I/O, no clocks, the
// same input gives the same plan.
//
// Strategies, as in "Burst Computing" (USENIX ATC '25), section 4.2:
//   heterogeneous  on each invoker one container as big as what is free there;
//   homogeneous    containers of `granularity` workers each (the last may be smaller);
//   mixed          planned as homogeneous, then the containers that land on one invoker are joined into one.
// Granularity 1, homogeneous, is functions-as-a-service.
//
// Which invokers are taken (README.md says why): heterogeneous and mixed fill, so that there are as few containers as
// there can be; homogeneous spreads, each pack going where there is most room left.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace gust::packing {

enum class Strategy : std::uint8_t { kHeterogeneous, kHomogeneous, kMixed };

/// What one invoker can still take, and what it could take if it were empty. Free is never more than total.
struct Capacity {
  InvokerId invoker;
  std::uint32_t free_slots = 0;
  Bytes free_memory;
  std::uint32_t total_slots = 0;
  Bytes total_memory;
};

/// What a flare asks for.
struct Demand {
  std::uint32_t burst_size = 0;  ///< workers; each takes one slot
  Strategy strategy = Strategy::kHeterogeneous;
  std::uint32_t granularity = 0;  ///< workers a pack; ignored by kHeterogeneous
  Bytes memory_per_pack;          ///< of each container, whatever its number of workers; joined containers take it once
  auto operator<=>(const Demand&) const = default;
};

/// One container: a contiguous range of workers on one invoker.
struct PlannedPack {
  InvokerId invoker;
  WorkerRange workers;
  auto operator<=>(const PlannedPack&) const = default;
};

/// Packs in the order of their workers; together they hold every worker exactly once. The packs of one invoker stand
/// side by side.
using Plan = std::vector<PlannedPack>;

/// Places all workers of `demand`, or none. Succeeds whenever a placement exists.
///
/// Errors: kInvalid (burst size 0, granularity 0), kUnavailable (no invokers at all), kNeverFits (even empty, these
/// invokers could not hold it, or the granularity is larger than any of them: the message names the resource that is
/// short and by how much), kBusy (it does not fit in what is free now; the message says the same of what is free).
/// Linear in the number of packs and of invokers (times the logarithm of an invoker's slots).
Result<Plan> plan(const Demand& demand, std::span<const Capacity> invokers);

/// Whether `demand` would fit if all invokers were empty: the errors of plan() but for kBusy. Linear in the number of
/// invokers.
Result<void> fits_when_empty(const Demand& demand, std::span<const Capacity> invokers);

/// What every plan of a demand takes at the least, whatever the invokers.
struct LeastNeed {
  std::uint64_t slots = 0;
  Bytes memory;  ///< saturates
};

/// For a test in constant time before plan(): a demand whose least need is more than what is free in all does not fit.
LeastNeed least_need(const Demand& demand);

}  // namespace gust::packing
