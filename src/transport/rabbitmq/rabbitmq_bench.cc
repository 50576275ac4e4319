// What a pair of packs reaches by way of a RabbitMQ server, against a plain client of the library: a publisher with
// confirms and a consumer that acknowledges, with the same chunks, in turn on one server.
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "transport/rabbitmq/address.h"
#include "transport/rabbitmq/rabbitmq.h"
#include "transport/testing/flare.h"
#include "transport/testing/rabbitmq_server.h"

namespace gust::transport::rabbitmq {
namespace {

using testing::Flare;
using testing::is_pattern;
using testing::pattern;
using testing::Worker;

constexpr std::size_t kChunk = std::size_t{1} << 20;
constexpr std::size_t kChunks = 256;
constexpr std::uint64_t kUnconfirmed = 16;  // as many bytes as the transport's window
constexpr std::uint64_t kAcknowledge = 8;
constexpr const char* kQueue = "gust-bench-plain";

double seconds_since(SteadyTime begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "rabbitmq_bench: %s failed\n", what);
  std::abort();
}

class PlainClient {
 public:
  explicit PlainClient(const Address& address) : state_(amqp_new_connection()) {
    amqp_socket_t* socket = amqp_tcp_socket_new(state_);
    must(amqp_socket_open(socket, address.host.c_str(), address.port) == AMQP_STATUS_OK, "connect");
    must(amqp_login(state_, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type ==
             AMQP_RESPONSE_NORMAL,
         "log in");
    amqp_channel_open(state_, 1);
    amqp_queue_declare(state_, 1, amqp_cstring_bytes(kQueue), 0, 0, 0, 0, amqp_empty_table);
    must(amqp_get_rpc_reply(state_).reply_type == AMQP_RESPONSE_NORMAL, "declare");
  }
  ~PlainClient() {
    amqp_queue_delete(state_, 1, amqp_cstring_bytes(kQueue), 0, 0);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(state_);
  }

  void publish_all(const message::Buffer& data) {
    amqp_confirm_select(state_, 1);
    const amqp_bytes_t body{data.size(), const_cast<std::byte*>(data.bytes().data())};
    std::uint64_t confirmed = 0;
    for (std::uint64_t sent = 1; sent <= kChunks; ++sent) {
      must(amqp_basic_publish(state_, 1, amqp_empty_bytes, amqp_cstring_bytes(kQueue), 0, 0, nullptr, body) ==
               AMQP_STATUS_OK,
           "publish");
      while (sent - confirmed >= kUnconfirmed || (sent == kChunks && confirmed < kChunks)) {
        amqp_frame_t frame;
        must(amqp_simple_wait_frame(state_, &frame) == AMQP_STATUS_OK, "wait for a confirm");
        if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) continue;
        const auto& ack = *static_cast<amqp_basic_ack_t*>(frame.payload.method.decoded);
        confirmed = ack.multiple != 0 ? ack.delivery_tag : confirmed + 1;
        amqp_maybe_release_buffers(state_);
      }
    }
  }

  void consume_all() {
    amqp_basic_qos(state_, 1, 0, 256, 0);
    amqp_basic_consume(state_, 1, amqp_cstring_bytes(kQueue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    for (std::uint64_t received = 1; received <= kChunks; ++received) {
      amqp_envelope_t envelope;
      amqp_maybe_release_buffers(state_);
      must(amqp_consume_message(state_, &envelope, nullptr, 0).reply_type == AMQP_RESPONSE_NORMAL, "consume");
      must(envelope.message.body.len == kChunk, "receiving a whole chunk");
      if (received % kAcknowledge == 0) amqp_basic_ack(state_, 1, envelope.delivery_tag, 1);
      amqp_destroy_envelope(&envelope);
    }
  }

 private:
  amqp_connection_state_t state_;
};

double plain(const Address& address, const message::Buffer& chunk) {
  PlainClient publisher(address);
  PlainClient consumer(address);
  const SteadyTime begin = std::chrono::steady_clock::now();
  std::jthread receiving([&] { consumer.consume_all(); });
  publisher.publish_all(chunk);
  receiving.join();
  return seconds_since(begin);
}

double flare(const message::Buffer& data) {
  SteadyTime begin;
  double seconds = 0;
  Flare pair({"rabbitmq",
              [](std::uint32_t packs) {
                return testing::via_server("rabbitmq", testing::shared_rabbitmq()->uri(), packs, kChunk);
              }},
             {1, 1}, {.chunk_bytes = kChunk});
  pair.run([&](Worker& self) {
    must(self.collectives.barrier(self.id, self.deadline).has_value(), "a barrier");
    if (self.id.value() == 0) {
      begin = std::chrono::steady_clock::now();
      must(self.hub.send(self.id, WorkerId(1), data, self.deadline).has_value(), "send");
      return;
    }
    const auto received = self.hub.recv(self.id, WorkerId(0), self.deadline);
    seconds = seconds_since(begin);
    must(received && is_pattern(received->data, data.size(), 1), "recv");
  });
  return seconds;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

void pair_of_packs(benchmark::State& state) {
  if (const std::string missing = testing::rabbitmq_missing(); !missing.empty()) {
    state.SkipWithError(missing.c_str());
    return;
  }
  const auto address = parse_uri(testing::shared_rabbitmq()->uri());
  const message::Buffer data = pattern(kChunks * kChunk, 1);
  const message::Buffer chunk = data.part(0, kChunk);
  flare(data);  // warm-up
  std::vector<double> plains;
  std::vector<double> flares;
  for (auto _ : state) {
    plains.push_back(plain(*address, chunk));
    flares.push_back(flare(data));
    state.SetIterationTime(flares.back());
  }
  const double mebibytes = static_cast<double>(data.size() >> 20);
  state.counters["MiB/s"] = mebibytes / median(flares);
  state.counters["plain MiB/s"] = mebibytes / median(plains);
  state.counters["ratio"] = median(plains) / median(flares);
}
BENCHMARK(pair_of_packs)->UseManualTime()->Iterations(9)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gust::transport::rabbitmq
