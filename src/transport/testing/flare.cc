#include "transport/testing/flare.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/ids.h"
#include "base/mutex.h"
#include "transport/in_process/in_process.h"
#include "transport/tcp/tcp.h"
#include "transport/testing/rabbitmq_server.h"
#include "transport/testing/redis_server.h"
#include "transport/testing/s3.h"
#include "transport/testing/unruly.h"

namespace gust::transport::testing {

using message::Buffer;
using message::Layout;

namespace {

// Generous for sanitizers on a busy machine; nothing waits for it when all goes well.
constexpr std::chrono::seconds kPatience{120};

std::vector<std::uint32_t> first_workers(const std::vector<std::uint32_t>& packing) {
  std::vector<std::uint32_t> first;
  std::uint32_t next = 0;
  for (const std::uint32_t size : packing) {
    first.push_back(next);
    next += size;
  }
  return first;
}

// Patterns are parts of noise, copied and compared in blocks: byte by byte they would cost more than what is tested,
// under a sanitizer most of all. Each seed, and each block of a pattern, begins at a place of its own.
constexpr std::size_t kBlock = 4093;
constexpr std::uint32_t kPlaces = 65521;  // a prime

const std::vector<std::byte>& noise() {
  static const std::vector<std::byte> kBytes = [] {
    std::mt19937 random(1);
    std::vector<std::byte> made(kPlaces + kBlock);
    for (std::byte& byte : made) byte = static_cast<std::byte>(random());
    return made;
  }();
  return kBytes;
}

// Until `use` says no.
template <class Use>
void for_each_block(std::size_t size, std::uint32_t seed, Use use) {
  for (std::size_t at = 0; at < size; at += kBlock) {
    const std::size_t place = (std::uint64_t{seed} * 7919 + at / kBlock * 31) % kPlaces;
    if (!use(at, noise().data() + place, std::min(kBlock, size - at))) return;
  }
}

class InProcess final : public Network {
 public:
  message::TransportFactory factory(const Layout& layout) override { return network_.factory(layout.self()); }

 private:
  InProcessNetwork network_;
};

// Hands every pack's address to all others, as the controller does.
class Tcp final : public Network {
 public:
  Tcp(std::uint32_t packs, Local local) : local_(local), addresses_(packs), transports_(packs) {}

  message::TransportFactory factory(const Layout& layout) override {
    return [this, layout](message::FrameSink& sink) -> Result<std::unique_ptr<message::Transport>> {
      const TcpOptions options{.flare_id = flare_id_, .token = std::string(32, 't'), .local = local_};
      auto transport = GUST_TRY(TcpTransport::listen(layout, options, sink));
      const std::uint32_t self = layout.self().value();
      const MutexLock lock(mutex_);
      addresses_[self] = transport->address();
      transports_[self] = transport.get();
      for (std::uint32_t p = 0; p < addresses_.size(); ++p) {
        if (!addresses_[p].empty()) transport->add_peer(PackId(p), addresses_[p]);
        if (transports_[p] != nullptr) transports_[p]->add_peer(PackId(self), addresses_[self]);
      }
      return transport;
    };
  }

  void before_end() override {
    const MutexLock lock(mutex_);
    transports_.assign(transports_.size(), nullptr);
  }

 private:
  const Local local_;
  const std::string flare_id_ = random_hex_id();
  Mutex mutex_;
  std::vector<std::string> addresses_ GUST_GUARDED_BY(mutex_);
  std::vector<TcpTransport*> transports_ GUST_GUARDED_BY(mutex_);
};

class ViaServer final : public Network {
 public:
  ViaServer(const char* backend, BackendOptions options, std::uint32_t packs)
      : backend_(load_backend(backend, GUST_BACKENDS)), options_(std::move(options)), packs_(packs) {
    EXPECT_TRUE(backend_) << backend_.error().message;
  }

  ~ViaServer() override {
    if (!backend_) return;
    const auto removed = (*backend_)->remove_flare(options_, packs_);
    EXPECT_TRUE(removed) << removed.error().message;
  }

  message::TransportFactory factory(const Layout& layout) override {
    return [this, layout](message::FrameSink& sink) -> Result<std::unique_ptr<message::Transport>> {
      return GUST_TRY(backend_)->open(layout, options_, sink);
    };
  }

 private:
  const Result<const Backend*> backend_;
  const BackendOptions options_;
  const std::uint32_t packs_;
};

template <const char* Name>
std::unique_ptr<Network> over_redis(std::uint32_t packs) {
  return via_server(Name, redis_uri(*shared_redis()), packs, kSmallChunk);
}

template <const char* Name>
std::unique_ptr<Network> over_valkey(std::uint32_t packs) {
  return via_server(Name, redis_uri(*shared_valkey()), packs, kSmallChunk);
}

std::unique_ptr<Network> over_s3(std::uint32_t packs) {
  return via_server("s3", (*shared_s3())->uri("tests"), packs, kSmallChunk);
}

constexpr char kRedisList[] = "redis-list";
constexpr char kRedisStream[] = "redis-stream";

}  // namespace

std::unique_ptr<Network> via_server(const char* backend, std::string uri, std::uint32_t packs,
                                    std::size_t chunk_bytes) {
  return std::make_unique<ViaServer>(
      backend, BackendOptions{.uri = std::move(uri), .flare_id = random_hex_id(), .chunk_bytes = chunk_bytes}, packs);
}

Flare::Flare(const Implementation& implementation, const std::vector<std::uint32_t>& packing,
             message::HubOptions options)
    : network_(implementation.make(static_cast<std::uint32_t>(packing.size()))) {
  for (const std::uint32_t size : packing) burst_size_ += size;
  for (std::uint32_t p = 0; p < packing.size(); ++p) {
    const Layout layout(burst_size_, first_workers(packing), PackId(p));
    packs_.push_back(std::make_unique<Pack>(layout, options, network_->factory(layout)));
  }
}

Flare::~Flare() = default;

void Flare::run(const std::function<void(Worker&)>& work) {
  {
    std::vector<std::jthread> threads;
    for (const auto& pack : packs_) {
      const WorkerRange range = pack->hub.layout().local();
      for (std::uint32_t w = range.first.value(); w < range.end(); ++w) {
        threads.emplace_back([this, &work, &pack, id = WorkerId(w)] {
          Worker worker{id, burst_size_, pack->hub, pack->collectives, std::chrono::steady_clock::now() + kPatience};
          work(worker);
          pack->hub.worker_ended(id, pack->collectives.count(id), "returned");
        });
      }
    }
  }
  network_->before_end();
  std::vector<std::jthread> ends;
  for (const auto& pack : packs_) ends.emplace_back([&pack] { pack->hub.finish(); });
  ends.clear();
  for (const auto& pack : packs_) {
    const message::Traffic one = pack->hub.traffic();
    traffic_.local_messages += one.local_messages;
    traffic_.local_bytes += one.local_bytes;
    traffic_.remote_messages += one.remote_messages;
    traffic_.remote_bytes += one.remote_bytes;
  }
}

std::vector<std::uint32_t> packs_of(std::uint32_t workers, std::uint32_t granularity) {
  std::vector<std::uint32_t> packing;
  for (; workers > 0; workers -= packing.back()) packing.push_back(std::min(workers, granularity));
  return packing;
}

Buffer pattern(std::size_t size, std::uint32_t seed) {
  Buffer data = Buffer::make(size);
  for_each_block(size, seed, [&](std::size_t at, const std::byte* block, std::size_t bytes) {
    std::memcpy(data.writable() + at, block, bytes);
    return true;
  });
  return data;
}

::testing::AssertionResult is_pattern(const Buffer& data, std::size_t size, std::uint32_t seed) {
  if (data.size() != size) return ::testing::AssertionFailure() << data.size() << " bytes instead of " << size;
  std::size_t wrong = size;
  for_each_block(size, seed, [&](std::size_t at, const std::byte* block, std::size_t bytes) {
    if (std::memcmp(data.bytes().data() + at, block, bytes) != 0) wrong = at;
    return wrong == size;
  });
  if (wrong == size) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "other bytes than were sent, in the block at " << wrong;
}

std::vector<Implementation> implementations() {
  return {
      {"in_process", [](std::uint32_t) -> std::unique_ptr<Network> { return std::make_unique<InProcess>(); }},
      {"unruly", [](std::uint32_t) { return unruly_network(); }},
      {"tcp",
       [](std::uint32_t packs) -> std::unique_ptr<Network> { return std::make_unique<Tcp>(packs, Local::kTcp); }},
      {"unix",
       [](std::uint32_t packs) -> std::unique_ptr<Network> { return std::make_unique<Tcp>(packs, Local::kUnix); }},
      {"redis_list", over_redis<kRedisList>, redis_missing},
      {"redis_stream", over_redis<kRedisStream>, redis_missing},
      {"valkey_list", over_valkey<kRedisList>, valkey_missing, true},
      {"valkey_stream", over_valkey<kRedisStream>, valkey_missing, true},
      {"rabbitmq",
       [](std::uint32_t packs) { return via_server("rabbitmq", shared_rabbitmq()->uri(), packs, kSmallChunk); },
       rabbitmq_missing},
      {"s3", over_s3, s3_missing, true},
  };
}

}  // namespace gust::transport::testing
