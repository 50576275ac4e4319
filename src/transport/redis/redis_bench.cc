// One pair of packs by way of redis-server, against what redis-benchmark reaches with the same chunk on the same
// server.
//
// Every byte is pushed and popped once, by one server with one thread: so redis-benchmark's figure is that of both
// tests one after the other, 1 / (1 / rpush + 1 / lpop).
#include <array>
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "message/hub.h"
#include "transport/redis/transport.h"
#include "transport/testing/redis_server.h"

namespace gust::transport::redis {
namespace {

using namespace std::chrono_literals;
using message::Buffer;
using message::Hub;
using message::Layout;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
constexpr std::size_t kMessage = 64 * kMegabyte;
constexpr int kMessages = 4;

SteadyTime soon() { return std::chrono::steady_clock::now() + 120s; }

// Requests a second of one of its tests; 0 where it cannot be had.
double redis_benchmark(std::uint16_t port, const char* test, std::size_t chunk, std::size_t count) {
  const std::string command = "redis-benchmark -h 127.0.0.1 -p " + std::to_string(port) + " -t " + test + " -d " +
                              std::to_string(chunk) + " -n " + std::to_string(count) + " -c 4 --csv 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 512> line{};
  double rate = 0;
  while (output && std::fgets(line.data(), line.size(), output.get()) != nullptr) {
    const char* second = std::strstr(line.data(), "\",\"");
    if (second != nullptr && std::strstr(line.data(), "\"test\"") == nullptr) rate = std::atof(second + 3);
  }
  return rate;
}

template <auto kOpen>
void pair(benchmark::State& state) {
  auto server = testing::start_redis();
  if (!server) {
    state.SkipWithError(server.error().message.c_str());
    return;
  }
  const auto chunk = static_cast<std::size_t>(state.range(0)) << 10;
  const BackendOptions options{
      .uri = testing::redis_uri(**server), .flare_id = std::string(32, 'b'), .chunk_bytes = chunk};
  const auto hub = [&](std::uint32_t pack) {
    const Layout layout(2, {0, 1}, PackId(pack));
    return std::make_unique<Hub>(layout, message::HubOptions{.chunk_bytes = chunk},
                                 [=](message::FrameSink& sink) { return kOpen(layout, options, sink); });
  };
  const auto zero = hub(0);
  const auto one = hub(1);
  Buffer data = Buffer::make(kMessage);
  std::memset(data.writable(), 7, kMessage);
  const auto round = [&](int messages) {
    std::jthread sender([&] {
      for (int i = 0; i < messages; ++i) {
        if (const auto sent = zero->send(WorkerId(0), WorkerId(1), data, soon()); !sent) {
          state.SkipWithError(sent.error().message.c_str());
        }
      }
    });
    for (int i = 0; i < messages; ++i) {
      const auto received = one->recv(WorkerId(1), WorkerId(0), soon());
      if (!received || received->data.size() != kMessage ||
          std::memcmp(received->data.bytes().data(), data.bytes().data(), kMessage) != 0) {
        state.SkipWithError(received ? "other bytes than were sent" : received.error().message.c_str());
        return;
      }
    }
  };
  round(1);
  const auto began = std::chrono::steady_clock::now();
  double rounds = 0;
  for (auto _ : state) {
    round(kMessages);
    ++rounds;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  for (Hub* hub_of_pack : {zero.get(), one.get()}) {
    hub_of_pack->worker_ended(hub_of_pack->layout().local().first, 0, "returned");
    hub_of_pack->finish();
  }
  const double ours = rounds * kMessages * static_cast<double>(kMessage) / kMegabyte / took.count();
  const std::size_t count = kMessages * kMessage / chunk;
  const double push = redis_benchmark((*server)->port(), "rpush", chunk, count);
  const double pop = redis_benchmark((*server)->port(), "lpop", chunk, count);
  const double peer = push > 0 && pop > 0 ? static_cast<double>(chunk) / kMegabyte / (1 / push + 1 / pop) : 0;
  state.counters["MiB/s"] = ours;
  state.counters["redis-benchmark MiB/s"] = peer;
  state.counters["ratio"] = peer > 0 ? ours / peer : 0;
}

BENCHMARK(pair<open_list>)->Name("redis-list/KiB")->Arg(64)->Arg(256)->Arg(1024)->UseRealTime();
BENCHMARK(pair<open_stream>)->Name("redis-stream/KiB")->Arg(64)->Arg(256)->Arg(1024)->UseRealTime();

}  // namespace
}  // namespace gust::transport::redis
