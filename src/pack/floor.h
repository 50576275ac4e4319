// The floor: what the kernel alone needs to start a pack, to compare Gust with. `gust-pack --floor G --stamps FD
// --first I` is created like a pack, creates G threads like a pack, and does nothing else: no socket, no code, no
// reports. Each thread stamps its start into memory that the measuring process shares with it through FD, and then
// stays until that process releases all of them, so that all exist at the same time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gust::pack {

inline constexpr std::uint32_t kFloorMagic = 0x31464c47;  // "GLF1"

/// At the start of the shared memory (a memfd without CLOEXEC). The measuring process writes magic and entries before
/// it starts packs, and reads the rest.
struct FloorHeader {
  std::uint32_t magic = 0;
  std::uint32_t entries = 0;            ///< stamps that follow, all packs together
  std::atomic<std::uint32_t> started;   ///< threads that have stamped; a futex, woken when it reaches entries
  std::atomic<std::uint32_t> released;  ///< a futex: becomes 1, and all threads are woken, when packs shall end
  std::atomic<std::uint32_t> waiting;   ///< packs with --at-signal that exist; a futex, woken by each
  std::atomic<std::uint32_t> signal;    ///< a futex: becomes 1, and those are woken, when they shall create threads
};
static_assert(sizeof(FloorHeader) == 24);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free, "shared between processes, and a futex");

/// After the header: one stamp for each thread, nanoseconds since the epoch on the wall clock, 0 before its start. A
/// pack's threads have the indices first to first + G - 1.
using FloorStamp = std::int64_t;

constexpr std::size_t floor_bytes(std::uint32_t entries) { return sizeof(FloorHeader) + entries * sizeof(FloorStamp); }

struct FloorOptions {
  std::uint32_t threads = 0;
  int stamps_fd = -1;
  std::uint32_t first = 0;
  std::uint32_t at_signal = 0;  ///< 1: exist first, and create threads when told: what a pre-warmed pack has before it
};

/// Runs the above to its end and gives the exit code: 0 when released; 2, with a line on standard error, when the
/// options do not fit the shared memory.
int run_floor(const FloorOptions& options);

/// For the measuring process: waits until so many packs wait for the signal, at most `timeout`; false when they do not.
bool wait_for_waiting(FloorHeader& header, std::uint32_t packs, std::chrono::milliseconds timeout);

/// For the measuring process: lets them go.
void signal_floor(FloorHeader& header);

/// For the measuring process: waits until all entries have started, at most `timeout`; false when they have not.
bool wait_for_floor(FloorHeader& header, std::chrono::milliseconds timeout);

/// For the measuring process: ends all packs.
void release_floor(FloorHeader& header);

}  // namespace gust::pack
