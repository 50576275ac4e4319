// The gRPC server that invokers connect to. Turns streams into links and events; knows nothing of flares.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "controller/orders.h"
#include "protocol/control.pb.h"

namespace gust::controller {

/// Why a link is closed from our side; becomes the stream's status.
enum class CloseReason : std::uint8_t { kVersionMismatch, kDenied, kNameTaken, kProtocolError, kShutDown };

/// One invoker's stream. Thread-safe.
class InvokerLink {
 public:
  virtual ~InvokerLink() = default;
  /// Queues a message; dropped silently once the stream is closing: its end is an event of its own.
  virtual void send(MessagePtr message) = 0;
  virtual void close(CloseReason reason, const std::string& sentence) = 0;
};
using LinkPtr = std::shared_ptr<InvokerLink>;

/// Called on the gateway's own thread, for one link in order: hello once, reports any number of times, lost once, last.
/// Must not block.
struct GatewayEvents {
  std::function<void(const LinkPtr&, protocol::Hello)> hello;
  std::function<void(const LinkPtr&, std::unique_ptr<protocol::Reports>)> reports;
  std::function<void(const LinkPtr&)> lost;
};

class Gateway {
 public:
  /// `address` is "unix:/path" or "host:port". An invoker that stays silent for `silence` is lost.
  static Result<std::unique_ptr<Gateway>> listen(const std::string& address, std::chrono::milliseconds silence,
                                                 GatewayEvents events);
  virtual ~Gateway() = default;
  /// As given, with the port that was chosen.
  [[nodiscard]] virtual std::string address() const = 0;
  /// Closes all links and waits until their events have been delivered. Blocks for at most a second.
  virtual void shut_down() = 0;
};

}  // namespace gust::controller
