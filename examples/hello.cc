#include <gust/worker.h>

// Says hello, and who and where it is.
gust::Json work(const gust::Json& params, gust::Burst& burst) {
  const std::string name = params.is_object() ? params.value("name", "world") : "world";
  return {{"hello", name}, {"worker", burst.worker_id()}, {"of", burst.burst_size()}, {"pack", burst.pack_id()}};
}

GUST_WORKER(work)
