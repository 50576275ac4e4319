// Inside this module: the two ways to choose invokers for packs that are known to fit. Neither sorts: both find by
// bisection the level down to which rooms are used, so their time is linear in the number of invokers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packing/cut.h"

namespace gust::packing {

/// Packs for one invoker, the `index`th of those given: `workers` in all, in packs of Cut::size (a smaller one last).
struct Share {
  std::size_t index = 0;
  std::uint64_t workers = 0;
};

/// As few invokers as there can be, the roomiest ones whole; the last one is the tightest that holds what is left.
/// The share with the smaller last pack, if there is one, comes last.
std::vector<Share> fill(const Cut& cut, std::span<const Room> rooms);

/// Pack by pack to the invoker that has most room left, the first of these if there are several.
/// The share with the smaller last pack, if there is one, comes last.
std::vector<Share> spread(const Cut& cut, std::span<const Room> rooms);

/// The full packs of each room, side by side for fast sums.
std::vector<std::uint32_t> full_packs(std::span<const Room> rooms);

/// The largest number for which `holds` is true, if it is true for `yes`, false for `no` (larger), and turns once.
template <class Predicate>
std::uint32_t last_for_which(std::uint32_t yes, std::uint32_t no, Predicate holds) {
  while (no - yes > 1) {
    const auto middle = yes + (no - yes) / 2;
    (holds(middle) ? yes : no) = middle;
  }
  return yes;
}

}  // namespace gust::packing
