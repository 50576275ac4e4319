// A connection to the controller, with the messages of a session. Everything arrives on the invoker's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/control.pb.h"
#include "protocol/control/connection.h"

namespace gust::invoker {

/// Never called after the stream's destructor has begun, nor from within its functions.
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
  /// Begins to connect, over TLS if there is an identity; does not block. Whether it worked comes as an event. kInvalid
  /// for an identity that cannot be used.
  static Result<std::unique_ptr<ControlStream>> open(boost::asio::io_context& io, const std::string& target,
                                                     const std::optional<protocol::TlsIdentity>& identity,
                                                     ControlEvents events);
  /// Ends the stream.
  ~ControlStream();
  ControlStream(const ControlStream&) = delete;
  ControlStream& operator=(const ControlStream&) = delete;

  /// Does not block. `written` follows for each message, in order, when the next one may go without waiting for it.
  void write(const protocol::InvokerMessage& message);
  /// At the controller's Welcome: how often the invoker says something at least, and is answered.
  void begin_heartbeat(std::chrono::milliseconds interval);

 private:
  explicit ControlStream(ControlEvents events) : events_(std::make_shared<ControlEvents>(std::move(events))) {}
  void take(std::string_view bytes);

  std::shared_ptr<ControlEvents> events_;  // an event may destroy the stream
  std::shared_ptr<protocol::Connection> connection_;
};

}  // namespace gust::invoker
