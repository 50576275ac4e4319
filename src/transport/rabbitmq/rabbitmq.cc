#include "transport/rabbitmq/rabbitmq.h"

#include <utility>

#include "transport/rabbitmq/consumer.h"
#include "transport/rabbitmq/publisher.h"

namespace gust::transport::rabbitmq {

namespace {

using message::FrameHeader;
using message::FrameSink;
using message::Layout;
using message::Piece;

class ServerTransport final : public message::Transport {
 public:
  ServerTransport(const Layout& layout, const Address& address, const std::string& flare_id,
                  std::unique_ptr<Connection> first, FrameSink& sink)
      : layout_(layout),
        sink_(sink),
        publisher_(layout, address, flare_id, [this](const Error& error) { lost(error); }),
        consumer_(layout, address, flare_id, std::move(first), sink, [this](const Error& error) { lost(error); }) {}

  /// The server takes what is for a pack before that has begun to receive.
  Result<void> connect(PackId /*to*/, SteadyTime /*deadline*/) override { return {}; }
  Result<void> send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) override {
    return publisher_.send(to, header, pieces, deadline);
  }
  void stop() override { publisher_.stop(); }

 private:
  // Without the server there is no way to anybody.
  void lost(const Error& error) {
    for (std::uint32_t p = 0; p < layout_.packs(); ++p) {
      if (PackId(p) != layout_.self()) sink_.peer_lost(PackId(p), error);
    }
  }

  const Layout layout_;
  FrameSink& sink_;
  Publisher publisher_;  // its destructor comes last: others may wait for what is still to be sent
  Consumer consumer_;
};

Result<std::unique_ptr<message::Transport>> open(const Layout& layout, const BackendOptions& options, FrameSink& sink) {
  const Address address = GUST_TRY(parse_uri(options.uri));
  auto connection = GUST_TRY(Connection::open(address));
  GUST_TRY_VOID(connection->declare(witness_name(options.flare_id, layout.self()), Declare::kMake));
  return std::make_unique<ServerTransport>(layout, address, options.flare_id, std::move(connection), sink);
}

Result<void> remove_flare(const BackendOptions& options, std::uint32_t packs) {
  const Address address = GUST_TRY(parse_uri(options.uri));
  const auto connection = GUST_TRY(Connection::open(address));
  for (std::uint32_t p = 0; p < packs; ++p) {
    GUST_TRY_VOID(connection->remove(queue_name(options.flare_id, PackId(p))));
    GUST_TRY_VOID(connection->remove(witness_name(options.flare_id, PackId(p))));
  }
  return connection->close_channel();
}

}  // namespace

constinit const Backend kBackends[1] = {{.name = "rabbitmq", .open = open, .remove_flare = remove_flare}};

}  // namespace gust::transport::rabbitmq
