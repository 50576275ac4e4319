// The benchmarks' worker, but for one byte of each message that changes after it was written.
#include "bench/workers/pattern.h"

namespace gust::bench {

struct SpoiltPattern : Pattern {
  using Pattern::Pattern;
  void fill(std::byte* to, std::size_t size) {
    Pattern::fill(to, size);
    if (size > 1000) to[1000] ^= std::byte{1};
  }
};

}  // namespace gust::bench

#define Pattern SpoiltPattern
#include "bench/workers/communicate.cc"
