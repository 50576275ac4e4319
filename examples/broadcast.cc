// Worker 0 makes a table that all workers use: between packs it travels once for each pack, inside a pack not at all.
// Params: {"bytes": 1000000}
#include <cstdint>
#include <gust/worker.h>
#include <numeric>
#include <vector>

gust::Json work(const gust::Json& params, gust::Burst& burst) {
  std::vector<std::uint8_t> table;
  if (burst.worker_id() == 0) {
    table.resize(params.value("bytes", std::size_t{1'000'000}));
    std::iota(table.begin(), table.end(), std::uint8_t{0});
  }
  const gust::Array<std::uint8_t> mine = burst.broadcast<std::uint8_t>(0, table);

  // Workers of one pack see the same memory.
  return {{"pack", burst.pack_id()},
          {"address", reinterpret_cast<std::uintptr_t>(mine.data())},
          {"bytes", mine.size()},
          {"sum", std::accumulate(mine.begin(), mine.end(), std::uint64_t{0})}};
}
GUST_WORKER(work)
