// How a pack and the other packs of its flare find each other: by way of the invoker and the controller, or in a
// server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "message/hub.h"
#include "protocol/pack_frames.h"
#include "transport/tcp/tcp.h"

namespace gust::pack {

/// Workers make the transport, on their threads, when they first need it; the pack's main thread announces it to the
/// invoker and takes the invoker's news.
class PeerLink {
 public:
  /// `wake` makes the main thread look at take_announcement(); called on a worker's thread. `start` must outlive this,
  /// and so must `binary`: the path of gust-pack, beside which the backends' libraries lie.
  PeerLink(const protocol::StartMessage& start, std::string_view binary, std::function<void()> wake);

  /// For the hub. Of a flare of one pack it is never called.
  [[nodiscard]] message::TransportFactory factory();

  /// The address to send to the invoker, once.
  std::optional<std::string> take_announcement();
  /// A message of the invoker after the start. kInvalid when it is none that a pack knows.
  Result<void> obey(const protocol::Message& message, message::Hub& hub);

 private:
  Result<std::unique_ptr<message::Transport>> make(message::FrameSink& sink);
  Result<std::unique_ptr<message::Transport>> listen(message::FrameSink& sink);
  Result<std::unique_ptr<message::Transport>> open_backend(message::FrameSink& sink);
  void announce(std::string address);
  [[nodiscard]] bool is_via_server() const { return start_.backend != "tcp"; }

  const protocol::StartMessage& start_;
  const std::string_view binary_;
  const std::function<void()> wake_;
  Mutex mutex_;
  transport::TcpTransport* transport_ GUST_GUARDED_BY(mutex_) = nullptr;  // the hub's; null by way of a server
  protocol::PeersMessage known_ GUST_GUARDED_BY(mutex_);                  // while there is no transport
  std::optional<std::string> announcement_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::pack
