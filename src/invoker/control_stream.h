// A connection to the controller, with the messages of a session. It has a thread of its own, which mostly sleeps, so
// that the controller is answered in time also when the invoker has more to do than the machine has time for.
// Everything arrives on the invoker's thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "protocol/control.pb.h"
#include "protocol/control/connection.h"

namespace gust::invoker {

/// The thread of an invoker's connections, one after the other.
class LinkThread {
 public:
  LinkThread();
  /// Ends what is open.
  ~LinkThread();
  LinkThread(const LinkThread&) = delete;
  LinkThread& operator=(const LinkThread&) = delete;

  [[nodiscard]] boost::asio::io_context& io() { return io_; }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

/// Called on the invoker's thread, and never after the stream's destructor has begun.
struct ControlEvents {
  std::function<void(const protocol::ControllerMessage&)> message;
  std::function<void()> written;
  /// The stream has ended. kVersionMismatch, kDenied, kExists and kInvalid are the controller's refusals, with its
  /// sentence; anything else is kUnavailable.
  std::function<void(const Error&)> ended;
};

/// Only on the invoker's thread.
class ControlStream {
 public:
  /// Begins to connect, over TLS if there is an identity; does not block. Whether it worked comes as an event, by way
  /// of `io`, which outlives the link's thread. kInvalid for an identity that cannot be used.
  static Result<std::unique_ptr<ControlStream>> open(boost::asio::io_context& io, LinkThread& link,
                                                     const std::string& target,
                                                     const std::optional<protocol::TlsIdentity>& identity,
                                                     ControlEvents events);
  /// Ends the stream.
  ~ControlStream();
  ControlStream(const ControlStream&) = delete;
  ControlStream& operator=(const ControlStream&) = delete;

  /// Does not block. `written` follows for each message, in order, when the next one may go without waiting for it.
  void write(std::shared_ptr<const protocol::InvokerMessage> message);
  /// At the controller's Welcome: how often the invoker says something at least, and is answered.
  void begin_heartbeat(std::chrono::milliseconds interval);

 private:
  /// What belongs to the link's thread.
  struct Far {
    std::shared_ptr<protocol::Connection> connection;
  };
  ControlStream(LinkThread& link, ControlEvents events)
      : link_(link), events_(std::make_shared<ControlEvents>(std::move(events))) {}

  /// With the connection, on the link's thread.
  template <class Action>
  void post(Action action);

  LinkThread& link_;
  std::shared_ptr<ControlEvents> events_;  // what is still posted finds nobody when they are gone
  std::shared_ptr<Far> far_ = std::make_shared<Far>();
};

}  // namespace gust::invoker
