#include <unistd.h>

#include <chrono>
#include <gust/worker.h>
#include <thread>

// Sleeps params.seconds: what `gust bench startup` runs, as the published experiment does.
gust::Json work(const gust::Json& params, gust::Burst& burst) {
  std::this_thread::sleep_for(std::chrono::duration<double>(params.at("seconds").get<double>()));
  return {{"worker_id", burst.worker_id()}, {"pid", getpid()}};
}

GUST_WORKER(work)
