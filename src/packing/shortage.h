// Inside this module: why a demand does not fit, as a sentence that names the resource and by how much it is short.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "packing/packing.h"

namespace gust::packing {

/// Which side of a Capacity is looked at.
enum class View : std::uint8_t { kFree, kTotal };

/// Nothing if `demand` (valid; at least one invoker) fits in that side of the invokers.
std::optional<std::string> shortage(const Demand& demand, std::span<const Capacity> invokers, View view);

}  // namespace gust::packing
