#include "packing/placement.h"

#include <algorithm>

namespace gust::packing {

std::vector<std::uint32_t> full_packs(std::span<const Room> rooms) {
  std::vector<std::uint32_t> result(rooms.size());
  std::ranges::transform(rooms, result.begin(), &Room::full);
  return result;
}

}  // namespace gust::packing
