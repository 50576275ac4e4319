// One gRPC stream to the controller. Everything arrives on the invoker's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "protocol/control.pb.h"
#include "protocol/control/credentials.h"

namespace gust::invoker {

/// Called on the io_context's thread, and never after the stream's destructor has begun.
struct ControlEvents {
  std::function<void(const protocol::ControllerMessage&)> message;
  std::function<void()> written;
  /// The stream has ended. kVersionMismatch, kDenied, kExists and kInvalid are the controller's refusals, with its
  /// sentence; anything else is kUnavailable.
  std::function<void(const Error&)> ended;
};

/// Only on the io_context's thread.
class ControlStream {
 public:
  /// Connects, over TLS if there is an identity, and begins to read; does not block. Whether it worked comes as an
  /// event.
  ControlStream(boost::asio::io_context& io, const std::string& target,
                const std::optional<protocol::TlsIdentity>& identity, ControlEvents events);
  /// Ends the stream; blocks until gRPC has let go of it, which takes no round trip.
  ~ControlStream();
  ControlStream(const ControlStream&) = delete;
  ControlStream& operator=(const ControlStream&) = delete;

  /// Does not block. `written` follows for each message, in order, when the next one may go without waiting for it.
  void write(std::shared_ptr<const protocol::InvokerMessage> message);

 private:
  class Calls;
  std::shared_ptr<ControlEvents> events_;
  std::unique_ptr<Calls> calls_;
};

}  // namespace gust::invoker
