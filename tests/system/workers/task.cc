#include <chrono>
#include <cstdio>
#include <filesystem>
#include <gust/worker.h>
#include <thread>
#include <vector>

// Well-behaved work of several kinds, for tests that look at a whole cluster from outside.
gust::Json work(const gust::Json& params, gust::Burst& burst) {
  const std::string what = params.is_object() ? params.value("do", "tell") : "tell";
  if (what == "sleep") std::this_thread::sleep_for(std::chrono::duration<double>(params.at("seconds").get<double>()));
  if (what == "await file") {
    while (!std::filesystem::exists(params.at("file").get<std::string>())) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  if (what == "print") {
    std::printf("worker %u says hello\n", burst.worker_id());
    std::fprintf(stderr, "worker %u complains\n", burst.worker_id());
  }
  if (what == "use memory") {
    std::vector<std::vector<char>> blocks;
    for (std::size_t mb = 0; mb < params.at("mb").get<std::size_t>(); ++mb) blocks.emplace_back(1 << 20, 'x');
    return blocks.size();
  }
  return {{"worker", burst.worker_id()}, {"of", burst.burst_size()},       {"pack", burst.pack_id()},
          {"packs", burst.pack_count()}, {"pack_size", burst.pack_size()}, {"params", params}};
}

GUST_WORKER(work)
