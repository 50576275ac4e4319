// How much memory this process has used.
#pragma once

#include <cstdint>
#include <sys/resource.h>

namespace gust::pack {

/// The most so far. Asked of this thread, whose memory is that of all: of the process the kernel would look at each
/// thread.
inline std::uint64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
}

}  // namespace gust::pack
