#include <gust/worker.h>

// Says everything that it knows of its burst, and what its parameters were.
gust::Json work(const gust::Json& params, gust::Burst& burst) {
  gust::Json packs = gust::Json::array();
  for (std::uint32_t worker = 0; worker < burst.burst_size(); ++worker) packs.push_back(burst.pack_of(worker));
  return {{"params", params},
          {"burst_id", burst.burst_id()},
          {"worker_id", burst.worker_id()},
          {"burst_size", burst.burst_size()},
          {"pack_id", burst.pack_id()},
          {"pack_size", burst.pack_size()},
          {"pack_count", burst.pack_count()},
          {"pack_leader", burst.pack_leader()},
          {"is_leader", burst.is_leader()},
          {"invoker_id", burst.invoker_id()},
          {"packs", packs}};
}

GUST_WORKER(work)
