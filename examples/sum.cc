// A distributed sum: each worker adds up its share of 1/1 + 1/2 + ... + 1/n, and all of them learn the whole. The
// result is the same to the last bit for every granularity. Params: {"n": 1000000}
#include <gust/worker.h>

gust::Json work(const gust::Json& params, gust::Burst& burst) {
  const std::uint64_t n = params.value("n", std::uint64_t{1'000'000});
  const std::uint64_t begin = n * burst.worker_id() / burst.burst_size();
  const std::uint64_t end = n * (burst.worker_id() + 1) / burst.burst_size();
  double share = 0;
  for (std::uint64_t i = begin; i < end; ++i) share += 1.0 / static_cast<double>(i + 1);

  return burst.all_reduce<double>(share, gust::Sum()).front();
}
GUST_WORKER(work)
