// Inside this module: a demand cut into packs, and how many of them one invoker has room for.
#pragma once

#include <algorithm>
#include <cstdint>

#include "packing/packing.h"

namespace gust::packing {

enum class Joining : std::uint8_t {
  kSeparate,  ///< each pack is a container
  kJoined,    ///< all packs of one invoker are one container
};

/// `full` packs of `size` workers, then one of `rest` workers unless that is 0. Heterogeneous packing is the joined
/// packing of single workers.
struct Cut {
  std::uint32_t size = 1;
  std::uint32_t full = 0;
  std::uint32_t rest = 0;
  Joining joining = Joining::kSeparate;
  Bytes memory;  ///< of each container

  [[nodiscard]] std::uint64_t packs() const { return std::uint64_t{full} + (rest > 0 ? 1 : 0); }
};

inline Cut cut(const Demand& demand) {
  const auto size = demand.strategy == Strategy::kHeterogeneous ? 1 : demand.granularity;
  return {.size = size,
          .full = demand.burst_size / size,
          .rest = demand.burst_size % size,
          .joining = demand.strategy == Strategy::kHomogeneous ? Joining::kSeparate : Joining::kJoined,
          .memory = demand.memory_per_pack};
}

/// What one invoker can hold of a Cut. Ordered by that.
struct Room {
  std::uint32_t full = 0;  ///< packs of full size
  bool rest = false;       ///< the smaller last pack fits beside all of those
  auto operator<=>(const Room&) const = default;
};

inline Room room(const Cut& cut, std::uint32_t slots, Bytes memory) {
  const auto wanted = cut.memory.count();
  const auto available = memory.count();
  const auto left_beside = [&](std::uint32_t full) { return cut.rest > 0 && slots - full * cut.size >= cut.rest; };

  const auto by_slots = slots / cut.size;
  if (cut.joining == Joining::kJoined) {
    if (wanted > available) return {};
    return {.full = by_slots, .rest = left_beside(by_slots)};
  }
  // Mostly there is memory for one more than the slots allow; the test for it by multiplication saves the division.
  if (static_cast<unsigned __int128>(wanted) * (std::uint64_t{by_slots} + 1) <= available) {
    return {.full = by_slots, .rest = left_beside(by_slots)};
  }
  return {.full = static_cast<std::uint32_t>(std::min<std::uint64_t>(by_slots, available / wanted)), .rest = false};
}

/// What many invokers hold together.
class SumOfRooms {
 public:
  void add(Room room) {
    full_ += room.full;
    rest_ |= room.rest;
  }
  /// Packs that can be placed, the smaller last one among them. One place for it beside the full ones is enough, and
  /// more would not help: so the demand fits if, and only if, this is at least Cut::packs().
  [[nodiscard]] std::uint64_t packs() const { return full_ + (rest_ ? 1 : 0); }

 private:
  std::uint64_t full_ = 0;
  bool rest_ = false;
};

}  // namespace gust::packing
