// How many workers run at the same time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gust::stats {

/// One life, both ends included, in seconds of any common clock; start <= end.
struct Segment {
  double start = 0;
  double end = 0;
};

/// From `time` on, `running` segments are alive.
struct ConcurrencyStep {
  double time = 0;
  std::uint32_t running = 0;
};

/// One step for each instant at which the number changes, in order of time; ends with 0 running. A segment that starts
/// at the instant at which another ends overlaps it.
std::vector<ConcurrencyStep> concurrency_curve(std::span<const Segment> segments);

/// The most segments that are alive at one instant; 0 for none.
std::uint32_t peak_concurrent(std::span<const Segment> segments);

}  // namespace gust::stats
