#include "stats/concurrency.h"

#include <algorithm>
#include <cstddef>

namespace gust::stats {

std::vector<ConcurrencyStep> concurrency_curve(std::span<const Segment> segments) {
  std::vector<double> starts;
  std::vector<double> ends;
  starts.reserve(segments.size());
  ends.reserve(segments.size());
  for (const Segment& segment : segments) {
    starts.push_back(segment.start);
    ends.push_back(segment.end);
  }
  std::ranges::sort(starts);
  std::ranges::sort(ends);

  std::vector<ConcurrencyStep> curve;
  std::uint32_t running = 0;
  std::size_t start = 0;
  for (std::size_t end = 0; end < ends.size();) {
    if (start < starts.size() && starts[start] <= ends[end]) {
      const double time = starts[start];
      for (; start < starts.size() && starts[start] == time; ++start) ++running;
      curve.push_back({time, running});
    } else {
      const double time = ends[end];
      for (; end < ends.size() && ends[end] == time; ++end) --running;
      curve.push_back({time, running});
    }
  }
  return curve;
}

std::uint32_t peak_concurrent(std::span<const Segment> segments) {
  std::uint32_t peak = 0;
  for (const ConcurrencyStep& step : concurrency_curve(segments)) peak = std::max(peak, step.running);
  return peak;
}

}  // namespace gust::stats
