// Where invokers connect. Turns their connections into links and events; knows nothing of flares.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "controller/orders.h"
#include "protocol/control.pb.h"
#include "protocol/control/tls.h"

namespace gust::controller {

/// One invoker's connection. Thread-safe.
class InvokerLink {
 public:
  virtual ~InvokerLink() = default;
  /// Queues a message; dropped silently once the link is closing: its end is an event of its own.
  virtual void send(MessagePtr message) = 0;
  /// Ends it; the invoker is told why.
  virtual void close(const Error& reason) = 0;
  /// Absent without TLS, and for a client that has none yet.
  [[nodiscard]] virtual const std::optional<protocol::PeerCertificate>& peer() const = 0;
};
using LinkPtr = std::shared_ptr<InvokerLink>;

/// Called on the gateway's own thread, for one link in order: hello once, reports any number of times, leaving at most
/// once among them, lost once, last.
/// `certified` tells that the invoker of this name has got a certificate that ends then. Must not block.
struct GatewayEvents {
  std::function<void(const LinkPtr&, protocol::Hello)> hello;
  std::function<void(const LinkPtr&, std::unique_ptr<protocol::Reports>)> reports;
  std::function<void(const LinkPtr&)> leaving;
  std::function<void(const LinkPtr&)> lost;
  std::function<void(const std::string&, WallTime)> certified = {};
};

class Registrar;

class Gateway {
 public:
  /// `address` is "unix:/path" or "host:port". An invoker that stays silent for `silence` is lost. With a registrar,
  /// which has to live as long, it speaks TLS; links may still come from clients without a certificate. kInvalid: no
  /// address. kUnavailable: it cannot be had.
  static Result<std::unique_ptr<Gateway>> listen(const std::string& address, std::chrono::milliseconds silence,
                                                 GatewayEvents events, const Registrar* registrar);
  virtual ~Gateway() = default;
  /// As given, with the port that was chosen.
  [[nodiscard]] virtual std::string address() const = 0;
  /// Closes all links and waits until their events have been delivered. Blocks for about a second at the most.
  virtual void shut_down() = 0;
};

/// How often an invoker has to say something, so that it is heard in `silence`.
std::chrono::milliseconds heartbeat_interval(std::chrono::milliseconds silence);

}  // namespace gust::controller
