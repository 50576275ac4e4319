// From one pack to another by way of the server, beside the same bytes in plain requests, in turn: each object put, got
// and compared, over as many kept connections, without having to find out what is new and without removing anything.
#include <algorithm>
#include <atomic>
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "message/buffer.h"
#include "objectstore/s3/s3_store.h"
#include "transport/s3/limits.h"
#include "transport/s3/s3_transport.h"
#include "transport/testing/s3.h"

namespace gust::transport::s3 {
namespace {

using namespace std::chrono_literals;
using message::Buffer;
using message::FrameHeader;
using message::Layout;
using objectstore::S3Store;
using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "s3_bench: %s\n", why.c_str());
  std::exit(1);
}
template <class Value>
Value must(Result<Value> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<Value>) return std::move(*result);
}

Buffer chunk_of(std::size_t bytes) {
  Buffer chunk = Buffer::make(bytes);
  for (std::size_t i = 0; i < bytes; ++i) chunk.writable()[i] = static_cast<std::byte>(i * 7 + (i >> 9));
  return chunk;
}

class Comparing final : public message::FrameSink {
 public:
  Comparing(const Buffer& expected, std::size_t count)
      : expected_(expected), place_(Buffer::make(expected.size())), left_(count) {}
  Result<std::byte*> begin_frame(PackId /*from*/, const FrameHeader& /*header*/) override { return place_.writable(); }
  Result<void> end_frame(PackId /*from*/, const FrameHeader& /*header*/) override {
    if (std::memcmp(place_.bytes().data(), expected_.bytes().data(), expected_.size()) != 0) give_up("wrong bytes");
    left_.fetch_sub(1);
    left_.notify_all();
    return {};
  }
  void peer_lost(PackId /*pack*/, const Error& cause) override { give_up(cause.message); }
  void wait() {
    for (std::size_t left = left_; left > 0; left = left_) left_.wait(left);
  }

 private:
  const Buffer& expected_;
  const Buffer place_;
  std::atomic<std::size_t> left_;
};

double seconds_since(SteadyTime begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double by_transport(const Buffer& chunk, std::size_t count) {
  const BackendOptions options{
      .uri = (*testing::shared_s3())->uri(), .flare_id = random_hex_id(), .chunk_bytes = chunk.size()};
  Comparing sink(chunk, count);
  Comparing unused(chunk, 0);
  auto sender = must(open(Layout(2, {0, 1}, PackId(0)), options, unused));
  auto receiver = must(open(Layout(2, {0, 1}, PackId(1)), options, sink));
  FrameHeader header;
  header.frame_bytes = static_cast<std::uint32_t>(chunk.size());
  const message::Piece piece = chunk.bytes();
  const SteadyTime begin = Clock::now();
  for (std::size_t i = 0; i < count; ++i) must(sender->send(PackId(1), header, {&piece, 1}, Clock::now() + 60s));
  sink.wait();
  const double seconds = seconds_since(begin);
  sender.reset();
  receiver.reset();
  must(remove_flare(options, 2));
  return seconds;
}

double by_plain_requests(const Buffer& chunk, std::size_t count) {
  S3Store store((*testing::shared_s3())->options());
  std::vector<std::atomic<bool>> is_put(count);
  std::atomic<std::size_t> next_put = 0;
  std::atomic<std::size_t> next_get = 0;
  const auto key = [](std::size_t i) { return "plain/" + std::to_string(i); };
  const SteadyTime begin = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < std::min(kMostThreads, count); ++t) {
      threads.emplace_back([&] {
        const message::Piece piece = chunk.bytes();
        for (std::size_t i = next_put++; i < count; i = next_put++) {
          must(store.put(key(i), {&piece, 1}, {Clock::now() + 60s}));
          is_put[i] = true;
          is_put[i].notify_all();
        }
      });
      threads.emplace_back([&] {
        for (std::size_t i = next_get++; i < count; i = next_get++) {
          is_put[i].wait(false);
          const std::string got = must(objectstore::get_whole(store, key(i), {}, {Clock::now() + 60s}));
          if (std::memcmp(got.data(), chunk.bytes().data(), chunk.size()) != 0) give_up("wrong bytes");
        }
      });
    }
  }
  const double seconds = seconds_since(begin);
  must(objectstore::remove_all(store, "plain/", {Clock::now() + 60s}));
  return seconds;
}

void pair(benchmark::State& state) {
  const std::string missing = testing::s3_missing();
  if (!missing.empty()) {
    state.SkipWithError(missing.c_str());
    return;
  }
  const Buffer chunk = chunk_of(static_cast<std::size_t>(state.range(0)) << 10);
  const auto count = static_cast<std::size_t>(state.range(1));
  std::vector<double> transport;
  std::vector<double> plain;
  by_transport(chunk, count);
  for (auto iteration : state) {
    plain.push_back(by_plain_requests(chunk, count));
    transport.push_back(by_transport(chunk, count));
    state.SetIterationTime(transport.back());
  }
  const auto rate = [&](std::vector<double>& seconds) {  // MiB/s, of the median
    std::ranges::nth_element(seconds, seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2));
    return static_cast<double>(chunk.size() * count >> 10) / 1024 / seconds[seconds.size() / 2];
  };
  state.counters["transport_MiBps"] = rate(transport);
  state.counters["plain_MiBps"] = rate(plain);
  state.counters["ratio"] = rate(transport) / rate(plain);
}
BENCHMARK(pair)
    ->ArgNames({"chunk_KiB", "chunks"})
    ->Args({64, 512})
    ->Args({1024, 128})
    ->Args({8192, 24})
    ->UseManualTime()
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gust::transport::s3
