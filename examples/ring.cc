// A token goes once around all workers, and each adds one to it: 960 workers take 960 hand-overs, one after the other.
#include <gust/worker.h>

gust::Json work(const gust::Json& /*params*/, gust::Burst& burst) {
  const std::uint32_t self = burst.worker_id();
  const std::uint32_t next = (self + 1) % burst.burst_size();
  const std::uint32_t previous = (self + burst.burst_size() - 1) % burst.burst_size();

  if (self == 0) burst.send(next, 1);
  const int token = burst.recv<int>(previous).front();
  if (self != 0) burst.send(next, token + 1);
  return token;
}
GUST_WORKER(work)
