// The floor: what the kernel alone needs to start a burst of some shape on this machine. Processes are created with
// vfork and exec of gust-pack, by as many threads as there are processors, each process creates its threads, and each
// thread stamps its start: no sockets, no code to load, no control plane.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace gust::bench {

/// What the processes of a floor are created with.
enum class Namespaces {
  kNone,
  kSandbox,  ///< of processes, mounts and System V objects: those that each sandbox has for itself; needs root
};

struct FloorShape {
  std::uint32_t workers = 960;
  std::uint32_t granularity = 48;  ///< threads a process; the last may have fewer
  Namespaces namespaces = Namespaces::kNone;
  /// The processes exist before the clock starts, and create their threads at a signal: all that is left to do where
  /// containers are pre-warmed. Their stacks are mapped after the signal, as by any creation of threads.
  bool prewarmed = false;
};

/// Starts the shape once, and ends it. Seconds from just before the first creation, or the signal, to each thread's
/// first instruction, one for each worker. Blocks. kDenied when namespaces may not be created, kInternal when a process
/// cannot be created, kTimedOut when not all threads have started within a minute.
Result<std::vector<double>> measure_floor(const FloorShape& shape, const std::string& pack_binary);

}  // namespace gust::bench
