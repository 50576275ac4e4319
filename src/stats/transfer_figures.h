// The figures about communication, in the manner of "Burst Computing" (USENIX ATC '25). Points are medians over all
// iterations and runs, bars reach from the first quartile to the third.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/transfer.h"

namespace gust::stats {

// At least one transfer; rows of another operation than the figure is about are refused (kInvalid, with what to draw
// them with). Errors as of draw_figure. Block.

/// MiB/s over the chunk size; one line a payload and backend.
Result<void> draw_pair(std::span<const Transfer> transfers, const std::filesystem::path& path);

/// MiB/s of all pairs together over the burst size; one line a payload, chunk size and backend.
Result<void> draw_throughput(std::span<const Transfer> transfers, const std::filesystem::path& path);

/// Time over the granularity, one panel an operation; one line a burst size, payload, chunk size and backend. On a
/// logarithmic axis where times differ by more than a factor of ten.
Result<void> draw_collectives(std::span<const Transfer> transfers, const std::filesystem::path& path);

}  // namespace gust::stats
