#include <algorithm>
#include <optional>

#include "base/check.h"
#include "packing/placement.h"

namespace gust::packing {
namespace {

/// Rooms above this number of full packs hold together fewer than `packs`, so all of them are needed; with those at
/// this number they hold enough. `packs` is above 0.
std::uint32_t level_for(std::uint64_t packs, std::span<const Room> rooms) {
  const auto full = full_packs(rooms);
  return 1 + last_for_which(0, *std::ranges::max_element(full), [&](std::uint32_t level) {
           std::uint64_t sum = 0;
           for (const auto room : full) sum += room > level ? room : 0;
           return sum >= packs;
         });
}

/// The smallest room that holds `left`: large ones stay whole for others.
std::size_t tightest(std::span<const Room> rooms, Room left) {
  const Room* best = nullptr;
  for (const auto& room : rooms) {
    if (room >= left && (best == nullptr || room < *best)) best = &room;
  }
  GUST_CHECK(best != nullptr, "the packs were counted to fit");
  return static_cast<std::size_t>(best - rooms.data());
}

}  // namespace

std::vector<Share> fill(const Cut& cut, std::span<const Room> rooms) {
  std::vector<Room> open(rooms.begin(), rooms.end());
  Room left{.full = cut.full, .rest = cut.rest > 0};
  std::vector<Share> shares;
  std::optional<std::size_t> with_gap;  // a share beside whose full packs the smaller last one would fit

  const auto take_whole = [&](std::size_t index) {
    auto& room = open[index];
    if (room.rest && !with_gap) with_gap = shares.size();
    shares.push_back({index, std::uint64_t{room.full} * cut.size});
    left.full -= room.full;
    room = {};
  };

  if (left.full > 0) {
    const auto level = level_for(left.full, rooms);
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].full > level) take_whole(i);
    }
    for (const auto next : {Room{level, true}, Room{level, false}}) {
      if (std::ranges::max(open) >= left) break;  // one more invoker is enough
      for (std::size_t i = 0; i < open.size() && next < left; ++i) {
        if (open[i] == next) take_whole(i);
      }
    }
  }

  if (left.full == 0 && with_gap) {
    const auto last = shares.begin() + static_cast<std::ptrdiff_t>(*with_gap);
    last->workers += cut.rest;
    std::rotate(last, last + 1, shares.end());
  } else {
    shares.push_back({tightest(open, left), std::uint64_t{left.full} * cut.size + cut.rest});
  }
  return shares;
}

}  // namespace gust::packing
