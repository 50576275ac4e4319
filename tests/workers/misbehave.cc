#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <gust/worker.h>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

// Does what params.do says if it is the worker params.worker (every worker, without it), as the code of a user might.
// The others wait for ever when params.others is "wait", and return otherwise.

namespace {

int overflow(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  if (depth == std::numeric_limits<int>::max()) return 0;  // so that the compiler does not see what is going on
  return overflow(depth + 1) + frame[0];
}

int fault() {
  volatile std::uintptr_t address = 8;
  return *reinterpret_cast<volatile int*>(address);
}

struct AtThreadEnd {
  std::string text;
  ~AtThreadEnd() {
    if (!text.empty()) std::puts(text.c_str());
  }
};
thread_local AtThreadEnd at_thread_end;

gust::Json sum_on_threads(const gust::Json& params) {
  std::vector<long> sums(params.at("threads").get<std::size_t>());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    threads.emplace_back([&sums, i] { sums[i] = static_cast<long>(i); });
  }
  for (std::thread& thread : threads) thread.join();
  return std::accumulate(sums.begin(), sums.end(), 0L);
}

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

}  // namespace

gust::Json work(const gust::Json& params, gust::Burst& burst) {
  if (params.contains("worker") && params["worker"] != burst.worker_id()) {
    if (params.value("others", "") == "wait") wait_for_ever();
    return "spared";
  }
  const std::string what = params.at("do");
  if (what == "wait") wait_for_ever();
  if (what == "throw") throw std::runtime_error("the third shelf is empty");
  if (what == "throw a number") throw 7;
  if (what == "exhaust memory") throw std::bad_alloc();
  if (what == "ask for a missing worker") return burst.pack_of(burst.burst_size());
  if (what == "raise") std::raise(params.at("signal"));
  if (what == "fault") return fault();
  if (what == "abort") std::abort();
  if (what == "overflow the stack") return overflow(0);
  if (what == "fault on a thread") std::thread(fault).join();
  if (what == "exit") std::exit(params.at("code").get<int>());
  if (what == "_exit") _exit(params.at("code").get<int>());
  if (what == "end the thread") pthread_exit(nullptr);
  if (what == "return much") return std::string(params.at("bytes").get<std::size_t>(), 'x');
  if (what == "return no UTF-8") return "\xff";
  if (what == "use threads") return sum_on_threads(params);
  if (what == "print") {
    std::printf("a line without its end");
    at_thread_end.text = " and the end of it";
    return nullptr;
  }
  if (what == "print and fault") {
    std::printf("last words\n");
    return fault();
  }
  throw std::invalid_argument("do what? " + what);
}

GUST_WORKER(work)
