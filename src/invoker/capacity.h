// What this machine offers to packs: its processors and its memory, as far as this process may use them.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gust::invoker {

/// Processors that this process may run on, no more than its control group's quota; at least 1.
std::uint32_t detect_slots();

/// Memory that is available now, no more than its control group's limit.
Bytes detect_memory();

}  // namespace gust::invoker
