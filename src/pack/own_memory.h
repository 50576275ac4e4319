// How much memory this process has used.
#pragma once

#include <cstdint>
#include <sys/resource.h>

namespace gust::pack {

/// The most so far.
inline std::uint64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
}

}  // namespace gust::pack
