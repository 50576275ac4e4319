#include "packing/packing.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "packing/cut.h"
#include "packing/placement.h"
#include "packing/shortage.h"

namespace gust::packing {
namespace {

Result<void> check(const Demand& demand, std::span<const Capacity> invokers) {
  if (demand.burst_size == 0) {
    return fail(ErrorCode::kInvalid,
                "burst size is 0; a flare needs at least 1 worker: give one entry of params a worker");
  }
  if (demand.strategy != Strategy::kHeterogeneous && demand.granularity == 0) {
    return fail(ErrorCode::kInvalid,
                "granularity is 0; give at least 1 worker a pack, or leave it out for packs as big as what is free");
  }
  if (invokers.empty()) {
    return fail(ErrorCode::kUnavailable, "no invoker has joined; start one with `gust invoker`");
  }
  return {};
}

Plan packs_of(const Cut& cut, std::span<const Share> shares, std::span<const Capacity> invokers) {
  Plan plan;
  plan.reserve(cut.joining == Joining::kJoined ? shares.size() : cut.packs());
  std::uint32_t next = 0;
  for (const auto& share : shares) {
    const auto most = cut.joining == Joining::kJoined ? share.workers : cut.size;
    for (auto left = share.workers; left > 0;) {
      const auto workers = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, most));
      plan.push_back({.invoker = invokers[share.index].invoker, .workers = {WorkerId(next), workers}});
      next += workers;
      left -= workers;
    }
  }
  return plan;
}

}  // namespace

Result<Plan> plan(const Demand& demand, std::span<const Capacity> invokers) {
  GUST_TRY_VOID(check(demand, invokers));
  const auto parts = cut(demand);

  std::vector<Room> rooms(invokers.size());
  SumOfRooms sum;
  for (std::size_t i = 0; i < invokers.size(); ++i) {
    rooms[i] = room(parts, invokers[i].free_slots, invokers[i].free_memory);
    sum.add(rooms[i]);
  }
  // Without a full pack, the rooms do not tell whether the granularity is larger than any invoker.
  if (parts.full == 0 || sum.packs() < parts.packs()) GUST_TRY_VOID(fits_when_empty(demand, invokers));
  if (sum.packs() < parts.packs()) {
    return fail(ErrorCode::kBusy, shortage(demand, invokers, View::kFree).value());
  }

  const auto shares = parts.joining == Joining::kJoined ? fill(parts, rooms) : spread(parts, rooms);
  return packs_of(parts, shares, invokers);
}

Result<void> fits_when_empty(const Demand& demand, std::span<const Capacity> invokers) {
  GUST_TRY_VOID(check(demand, invokers));
  if (auto reason = shortage(demand, invokers, View::kTotal)) return fail(ErrorCode::kNeverFits, std::move(*reason));
  return {};
}

LeastNeed least_need(const Demand& demand) {
  const auto parts = demand.strategy == Strategy::kHomogeneous ? cut(demand).packs() : 1;
  const auto memory = static_cast<unsigned __int128>(demand.memory_per_pack.count()) * parts;
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  return {.slots = demand.burst_size, .memory = Bytes(memory > kMost ? kMost : static_cast<std::uint64_t>(memory))};
}

}  // namespace gust::packing
