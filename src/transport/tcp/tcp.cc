#include "transport/tcp/tcp.h"

#include <algorithm>
#include <utility>

#include "transport/tcp/incoming.h"
#include "transport/tcp/outgoing.h"
#include "transport/tcp/sockets.h"
#include "transport/tcp/wire.h"

namespace gust::transport {

namespace {

using message::FrameHeader;
using message::Piece;

class PeerConnections final : public TcpTransport {
 public:
  PeerConnections(const message::Layout& layout, const Hello& hello, std::string address)
      : outgoing_(layout, hello), address_(std::move(address)) {}

  void receive(std::unique_ptr<Incoming> incoming) { incoming_ = std::move(incoming); }

  [[nodiscard]] std::string address() const override { return address_; }
  void add_peer(PackId pack, std::string address) override { outgoing_.add_peer(pack, std::move(address)); }
  Result<void> connect(PackId to, SteadyTime deadline) override { return outgoing_.connect(to, deadline); }
  Result<void> send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) override {
    return outgoing_.send(to, header, pieces, deadline);
  }
  void stop() override { outgoing_.stop(); }

 private:
  Outgoing outgoing_;
  std::unique_ptr<Incoming> incoming_;
  std::string address_;
};

}  // namespace

Result<std::unique_ptr<TcpTransport>> TcpTransport::listen(const message::Layout& layout, const TcpOptions& options,
                                                           message::FrameSink& sink) {
  Hello hello;
  if (options.flare_id.size() != kIdBytes || options.token.size() != kIdBytes) {
    return fail(ErrorCode::kInvalid, "packs need a flare id and a token of 32 characters to know each other");
  }
  std::ranges::copy(options.flare_id, hello.flare_id.begin());
  std::ranges::copy(options.token, hello.token.begin());
  hello.from_pack = layout.self().value();
  hello.to_pack = layout.self().value();

  std::vector<Listener> listeners;
  std::string address;
  if (options.local == Local::kUnix) {
    // Where Unix sockets cannot be had, TCP alone will do.
    const std::string name = "gust-" + options.flare_id + "-" + std::to_string(hello.from_pack);
    if (auto listener = listen_unix(name)) {
      address = listener->address + " ";
      listeners.push_back(std::move(*listener));
    }
  }
  listeners.push_back(GUST_TRY(listen_tcp(options.host)));
  address += listeners.back().address;
  auto transport = std::make_unique<PeerConnections>(layout, hello, address);
  transport->receive(GUST_TRY(Incoming::start(layout, hello, std::move(listeners), sink)));
  return transport;
}

}  // namespace gust::transport
