// The two clocks in use: the wall clock for stamps that are compared between processes of a host (a worker's start
// against the client's call), and the steady clock for deadlines. And the processor time of a process.
#pragma once

#include <chrono>
#include <cstdint>

namespace gust {

/// A stamp on the wall clock, microseconds since the Unix epoch (leap seconds ignored, as by the kernel).
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

[[nodiscard]] inline WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

[[nodiscard]] inline std::int64_t to_micros(WallTime time) { return time.time_since_epoch().count(); }
[[nodiscard]] inline WallTime from_micros(std::int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }
/// Whole milliseconds since the epoch, as OpenWhisk's records have them.
[[nodiscard]] inline std::int64_t to_millis(WallTime time) { return to_micros(time) / 1000; }
/// Seconds since the epoch with microseconds, as the result files have them.
[[nodiscard]] inline double to_seconds(WallTime time) { return static_cast<double>(to_micros(time)) / 1e6; }

/// That this process has used, user and system.
std::chrono::microseconds process_cpu();

}  // namespace gust
