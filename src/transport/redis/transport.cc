#include "transport/redis/transport.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "transport/redis/incoming.h"
#include "transport/redis/list_queue.h"
#include "transport/redis/outgoing.h"
#include "transport/redis/session.h"
#include "transport/redis/stream_queue.h"

namespace gust::transport::redis {

using message::FrameHeader;
using message::FrameSink;
using message::Layout;
using message::Piece;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// The end of a pack waits for so long for its last frames to be in the server.
constexpr auto kFlushPatience = 2s;
constexpr std::size_t kKeysACommand = 512;

class RedisTransport final : public message::Transport {
 public:
  RedisTransport(const Layout& layout, const Address& address, const BackendOptions& options,
                 std::unique_ptr<Queue> queue, FrameSink& sink)
      : sink_(sink), session_(layout, address, options, std::move(queue), [this](const Error& why) { lose(why); }) {}

  ~RedisTransport() override {
    if (outgoing_) outgoing_->flush(Clock::now() + kFlushPatience);
    session_.end();
  }

  Result<void> open() {
    outgoing_ = std::make_unique<Outgoing>(session_, GUST_TRY(session_.open_first()));
    incoming_ = std::make_unique<Incoming>(session_, GUST_TRY(session_.open_first()), sink_);
    outgoing_->start();
    incoming_->start();
    return {};
  }

  Result<void> connect(PackId to, SteadyTime deadline) override { return outgoing_->connect(to, deadline); }
  Result<void> send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) override {
    return outgoing_->send(to, header, pieces, deadline);
  }
  void stop() override { outgoing_->stop(); }

 private:
  void lose(const Error& why) {
    // The cause first: of a call that fails without one the hub thinks that a pack has ended.
    const Layout& layout = session_.layout();
    for (std::uint32_t pack = 0; pack < layout.packs(); ++pack) {
      if (PackId(pack) != layout.self()) sink_.peer_lost(PackId(pack), why);
    }
    outgoing_->fail_all(why);
  }

  FrameSink& sink_;
  Session session_;
  std::unique_ptr<Outgoing> outgoing_;
  std::unique_ptr<Incoming> incoming_;
};

template <class Kind>
Result<std::unique_ptr<message::Transport>> open(const Layout& layout, const BackendOptions& options, FrameSink& sink) {
  const Address address = GUST_TRY(parse_address(options.uri));
  auto transport = std::make_unique<RedisTransport>(layout, address, options, std::make_unique<Kind>(), sink);
  GUST_TRY_VOID(transport->open());
  return transport;
}

}  // namespace

Result<std::unique_ptr<message::Transport>> open_list(const Layout& layout, const BackendOptions& options,
                                                      FrameSink& sink) {
  return open<ListQueue>(layout, options, sink);
}

Result<std::unique_ptr<message::Transport>> open_stream(const Layout& layout, const BackendOptions& options,
                                                        FrameSink& sink) {
  return open<StreamQueue>(layout, options, sink);
}

Result<void> remove_flare(const BackendOptions& options, std::uint32_t packs) {
  const Address address = GUST_TRY(parse_address(options.uri));
  const auto link = GUST_TRY(Link::open(address));
  std::vector<std::string> keys = {life_key(options.flare_id)};
  for (std::uint32_t pack = 0; pack < packs; ++pack) keys.push_back(queue_key(options.flare_id, PackId(pack)));
  for (std::size_t at = 0; at < keys.size(); at += kKeysACommand) {
    const auto first = keys.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<std::string> words = {"UNLINK"};
    words.insert(words.end(), first, first + static_cast<std::ptrdiff_t>(std::min(kKeysACommand, keys.size() - at)));
    GUST_TRY(command(link->context(), words));
  }
  return {};
}

}  // namespace gust::transport::redis
