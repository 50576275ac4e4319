#include <chrono>
#include <gust/worker.h>
#include <iostream>
#include <string>
#include <thread>

// Says hello, works for params.seconds, adds up all workers' ids if params.talk, and says goodbye.
gust::Json work(const gust::Json& params, gust::Burst& burst) {
  const std::string self = std::to_string(burst.worker_id());
  std::cout << "hello from " + self + "\n" << std::flush;
  std::this_thread::sleep_for(std::chrono::duration<double>(params.at("seconds").get<double>()));
  int sum = 0;
  if (params.value("talk", true)) sum = burst.all_reduce<int>(static_cast<int>(burst.worker_id()), gust::Sum()).front();
  std::cout << "goodbye from " + self + "\n" << std::flush;
  return {{"worker", burst.worker_id()}, {"sum", sum}};
}
GUST_WORKER(work)
