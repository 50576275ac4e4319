#include "pack/peer_link.h"

#include <utility>

#include "transport/backend.h"

namespace gust::pack {

using protocol::FrameType;
using protocol::PeerNews;

PeerLink::PeerLink(const protocol::StartMessage& start, std::string_view binary, std::function<void()> wake)
    : start_(start), binary_(binary), wake_(std::move(wake)) {}

message::TransportFactory PeerLink::factory() {
  return [this](message::FrameSink& sink) { return make(sink); };
}

Result<std::unique_ptr<message::Transport>> PeerLink::make(message::FrameSink& sink) {
  return is_via_server() ? open_backend(sink) : listen(sink);
}

Result<std::unique_ptr<message::Transport>> PeerLink::open_backend(message::FrameSink& sink) {
  const std::string folder(binary_.substr(0, binary_.rfind('/')));
  const transport::Backend* backend = GUST_TRY(transport::load_backend(start_.backend, folder));
  const message::Layout layout(start_.burst_size, start_.pack_first_worker, PackId(start_.pack_id));
  auto transport = GUST_TRY(backend->open(
      layout, {.uri = start_.backend_uri, .flare_id = start_.flare_id, .chunk_bytes = start_.chunk_bytes}, sink));
  announce(start_.backend);
  return transport;
}

Result<std::unique_ptr<message::Transport>> PeerLink::listen(message::FrameSink& sink) {
  const message::Layout layout(start_.burst_size, start_.pack_first_worker, PackId(start_.pack_id));
  const transport::TcpOptions options{
      .flare_id = start_.flare_id, .token = start_.peer_token, .host = start_.peer_host};
  auto transport = GUST_TRY(transport::TcpTransport::listen(layout, options, sink));
  {
    const MutexLock lock(mutex_);
    transport_ = transport.get();
    for (PeerNews& peer : std::exchange(known_, {})) transport->add_peer(PackId(peer.pack_id), std::move(peer.address));
  }
  announce(transport->address());
  return transport;
}

void PeerLink::announce(std::string address) {
  {
    const MutexLock lock(mutex_);
    announcement_ = std::move(address);
  }
  wake_();
}

std::optional<std::string> PeerLink::take_announcement() {
  const MutexLock lock(mutex_);
  return std::exchange(announcement_, std::nullopt);
}

Result<void> PeerLink::obey(const protocol::Message& message, message::Hub& hub) {
  if (message.type == FrameType::kStop) {
    hub.abort({ErrorCode::kCancelled, message.payload});
    return {};
  }
  if (message.type != FrameType::kPeers) return fail(ErrorCode::kInvalid, "the invoker sent what packs do not know");
  for (PeerNews& peer : GUST_TRY(protocol::decode<protocol::PeersMessage>(message.payload))) {
    if (peer.pack_id >= start_.pack_first_worker.size())
      return fail(ErrorCode::kInvalid, "news of a pack that is none");
    if (peer.address.empty()) {
      is_via_server() ? hub.pack_left(PackId(peer.pack_id)) : hub.pack_ended(PackId(peer.pack_id));
      continue;
    }
    if (is_via_server()) continue;  // where it is does not matter
    const MutexLock lock(mutex_);
    if (transport_ != nullptr) {
      transport_->add_peer(PackId(peer.pack_id), std::move(peer.address));
    } else {
      known_.push_back(std::move(peer));
    }
  }
  return {};
}

}  // namespace gust::pack
