#include <algorithm>
#include <utility>

#include "packing/placement.h"

namespace gust::packing {
namespace {

/// Packs placed when every invoker is filled until room for `level` more is left.
std::uint64_t placed_down_to(std::uint32_t level, std::span<const std::uint32_t> full) {
  std::uint64_t sum = 0;
  for (const auto room : full) sum += room > level ? room - level : 0;
  return sum;
}

/// The highest level at which at least `packs` are placed.
std::uint32_t level_for(std::uint64_t packs, std::span<const std::uint32_t> full) {
  return last_for_which(0, *std::ranges::max_element(full),
                        [&](std::uint32_t level) { return placed_down_to(level, full) >= packs; });
}

}  // namespace

std::vector<Share> spread(const Cut& cut, std::span<const Room> rooms) {
  const auto full = full_packs(rooms);
  std::vector<Share> shares;
  const auto all = placed_down_to(0, full);
  if (all < cut.packs()) {  // only the gap beside full packs is left for the smaller last one
    const auto gap = std::ranges::find(rooms, true, &Room::rest) - rooms.begin();
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      if (full[i] > 0 && std::cmp_not_equal(i, gap)) shares.push_back({i, std::uint64_t{full[i]} * cut.size});
    }
    const auto index = static_cast<std::size_t>(gap);
    shares.push_back({index, std::uint64_t{full[index]} * cut.size + cut.rest});
    return shares;
  }

  // At the level there are more places than packs by less than one an invoker: the first invokers get theirs.
  const auto level = level_for(cut.packs(), full);
  const auto surplus = placed_down_to(level, full) - cut.packs();
  auto taking_one_more =
      static_cast<std::uint64_t>(std::ranges::count_if(full, [&](auto r) { return r > level; })) - surplus;
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    if (full[i] <= level) continue;
    auto packs = full[i] - level;
    if (taking_one_more > 0) {
      --taking_one_more;
    } else {
      --packs;
    }
    if (packs > 0) shares.push_back({i, std::uint64_t{packs} * cut.size});
  }
  if (cut.rest > 0) shares.back().workers -= cut.size - cut.rest;
  return shares;
}

}  // namespace gust::packing
