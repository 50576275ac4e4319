// The two figures about start-up, from any result files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "base/result.h"
#include "stats/result_set.h"

namespace gust::stats {

enum class LatencyAxis : std::uint8_t { kLinear, kLogarithmic };

/// Start-up latencies as box plots, like Figure 6 of "Burst Computing" (USENIX ATC '25): one panel a directory (a burst
/// size), one row a granularity, FaaS on top, all panels with the same axes. Several runs of a file make one box.
/// At least one file. Errors as of draw_figure, and kInvalid for a latency that a logarithmic axis cannot show. Blocks.
Result<void> draw_startup(std::span<const ResultFile> files, LatencyAxis axis, const std::filesystem::path& path);

/// Each worker's life as a bar from start to end, seconds since the client's call, sorted by invoker and start,
/// coloured by invoker (four colours in turn), under the curve of how many run at once; one panel a file. `run` chooses
/// one of a file's runs (kInvalid if one has no such run); without it, the first. At least one file. Errors as of
/// draw_figure. Blocks.
Result<void> draw_simultaneity(std::span<const ResultFile> files, std::optional<std::uint32_t> run,
                               const std::filesystem::path& path);

}  // namespace gust::stats
