#include "packing/shortage.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

#include "packing/cut.h"

namespace gust::packing {
namespace {

std::string count(std::uint64_t n, std::string_view noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

/// One side of all invokers, added up for one demand.
struct Survey {
  std::uint64_t slots = 0;           ///< all there are
  std::uint64_t slots_total = 0;     ///< the same of empty invokers
  std::uint64_t packs = 0;           ///< of the demand, that slots and memory hold
  std::uint64_t packs_by_slots = 0;  ///< the same if memory were endless
  std::uint64_t with_memory = 0;     ///< invokers that have the memory of one pack
  std::uint32_t most_slots = 0;      ///< of one invoker
  Bytes most_memory;                 ///< of one invoker
};

Survey survey(const Cut& cut, std::span<const Capacity> invokers, View view) {
  Survey result;
  SumOfRooms rooms;
  SumOfRooms rooms_by_slots;
  auto without_memory = cut;
  without_memory.memory = Bytes(0);
  for (const auto& invoker : invokers) {
    const auto slots = view == View::kFree ? invoker.free_slots : invoker.total_slots;
    const auto memory = view == View::kFree ? invoker.free_memory : invoker.total_memory;
    result.slots += slots;
    result.slots_total += invoker.total_slots;
    rooms.add(room(cut, slots, memory));
    rooms_by_slots.add(room(without_memory, slots, memory));
    if (memory >= cut.memory) ++result.with_memory;
    result.most_slots = std::max(result.most_slots, slots);
    result.most_memory = std::max(result.most_memory, memory);
  }
  result.packs = rooms.packs();
  result.packs_by_slots = rooms_by_slots.packs();
  return result;
}

/// "4 packs of 30 workers", "960 packs of 1 worker"; "up to" where the last one is smaller.
std::string packs_of(const Cut& cut) {
  return fmt::format("{} of {}{}", count(cut.packs(), "pack"), cut.rest > 0 ? "up to " : "", count(cut.size, "worker"));
}

}  // namespace

std::optional<std::string> shortage(const Demand& demand, std::span<const Capacity> invokers, View view) {
  const auto parts = cut(demand);
  const auto found = survey(parts, invokers, view);
  const bool ever = view == View::kTotal;
  const bool granular = demand.strategy != Strategy::kHeterogeneous;

  // Also where the burst is so small that it would fill no pack: what was asked for cannot be given by any invoker.
  if (ever && granular && parts.size > found.most_slots) {
    return fmt::format("granularity {} is larger than any invoker: the largest has {}; lower the granularity",
                       parts.size, count(found.most_slots, "slot"));
  }
  if (found.packs >= parts.packs()) return std::nullopt;

  const auto cluster = fmt::format("the cluster's {}", count(invokers.size(), "invoker"));
  const auto has = invokers.size() == 1 ? "has" : "have";
  const auto burst = fmt::format("burst of {}", count(demand.burst_size, "worker"));

  if (found.slots < demand.burst_size) {
    const auto needed = fmt::format("{} needs {}", burst, count(demand.burst_size, "slot"));
    const auto short_by = demand.burst_size - found.slots;
    if (!ever) return fmt::format("{}; {} of {} are free: {} short", needed, found.slots, found.slots_total, short_by);
    return fmt::format("{}; {} {} {}: {} short; use fewer workers or add invokers", needed, cluster, has, found.slots,
                       short_by);
  }
  const auto now = ever ? "" : " now";
  const auto short_by = parts.packs() - found.packs;
  if (found.packs_by_slots < parts.packs()) {
    return fmt::format("{} needs {}; {} {} room for at most {} of these{}: {} short{}", burst, packs_of(parts), cluster,
                       has, found.packs_by_slots, now, parts.packs() - found.packs_by_slots,
                       ever ? "; lower the granularity or add invokers" : "");
  }

  const auto memory = to_string(demand.memory_per_pack);
  if (found.with_memory == 0) {
    if (!ever)
      return fmt::format("no invoker has {} of memory free for a pack; the most is {}", memory,
                         to_string(found.most_memory));
    return fmt::format(
        "pack memory {} is larger than any invoker: the largest has {}; lower limits.memory or add larger invokers",
        memory, to_string(found.most_memory));
  }
  const auto advice = ever ? "; lower limits.memory or add invokers" : "";
  if (parts.joining == Joining::kSeparate) {
    return fmt::format("{} needs {} of {} each; {} {} at most {} of these{}: {} short{}", burst, packs_of(parts),
                       memory, cluster, invokers.size() == 1 ? "holds" : "hold", found.packs, now, short_by, advice);
  }
  const auto needed = granular ? packs_of(parts) : count(parts.packs(), "slot");
  const auto held = granular ? fmt::format("room for {} of these", found.packs) : count(found.packs, "slot");
  return fmt::format(
      "{} needs {} on invokers with {} of memory for a pack; {} of the cluster's {} {} that{}, with {}: {} short{}",
      burst, needed, memory, found.with_memory, count(invokers.size(), "invoker"),
      found.with_memory == 1 ? "has" : "have", now, held, short_by, advice);
}

}  // namespace gust::packing
