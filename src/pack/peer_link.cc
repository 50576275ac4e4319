#include "pack/peer_link.h"

#include <utility>

namespace gust::pack {

using protocol::FrameType;
using protocol::PeerNews;

PeerLink::PeerLink(const protocol::StartMessage& start, std::function<void()> wake)
    : start_(start), wake_(std::move(wake)) {}

message::TransportFactory PeerLink::factory() {
  return [this](message::FrameSink& sink) { return make(sink); };
}

Result<std::unique_ptr<message::Transport>> PeerLink::make(message::FrameSink& sink) {
  const message::Layout layout(start_.burst_size, start_.pack_first_worker, PackId(start_.pack_id));
  const transport::TcpOptions options{
      .flare_id = start_.flare_id, .token = start_.peer_token, .host = start_.peer_host};
  auto transport = GUST_TRY(transport::TcpTransport::listen(layout, options, sink));
  {
    const MutexLock lock(mutex_);
    transport_ = transport.get();
    announcement_ = transport->address();
    for (PeerNews& peer : std::exchange(known_, {})) transport->add_peer(PackId(peer.pack_id), std::move(peer.address));
  }
  wake_();
  return transport;
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
      hub.pack_ended(PackId(peer.pack_id));
      continue;
    }
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
