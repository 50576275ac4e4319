// The invoker's tie to its controller: finds it, introduces itself, and looks for it again when it is lost, for as long
// as it was told to.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "invoker/control_stream.h"
#include "invoker/membership.h"
#include "protocol/control.pb.h"

namespace gust::invoker {

struct LinkEvents {
  /// Completes what is said of the invoker, each time that it introduces itself.
  std::function<void(protocol::Hello&)> introduce;
  std::function<void(const protocol::Welcome&)> joined;
  std::function<void(const protocol::ControllerMessage&)> message;  ///< anything after Welcome
  std::function<void()> sent;
  /// The session has ended. The owner calls reconnect() when it is ready to.
  std::function<void(const Error&)> lost;
  /// There is no use in looking further: refused (kVersionMismatch, kDenied, kExists, kInvalid) or not found in the
  /// time that was given (kUnavailable).
  std::function<void(Error)> gave_up;
};

/// Only on the invoker's thread.
class ControllerLink {
 public:
  ControllerLink(boost::asio::io_context& io, Membership& membership, std::string target, protocol::Hello hello,
                 std::chrono::milliseconds grace, LinkEvents events);

  /// For the first time: looks for the controller for so long.
  void connect(std::chrono::milliseconds patience);
  /// For the grace period. After `lost`.
  void reconnect();
  /// Ends the session because the controller broke the protocol; `lost` follows.
  void drop(const Error& reason);
  /// Between `joined` and `lost`.
  [[nodiscard]] bool in_session() const { return joined_; }
  /// While in_session(); `sent` follows.
  void send(std::shared_ptr<const protocol::InvokerMessage> message);

 private:
  void start_search(std::chrono::milliseconds patience);
  void attempt();
  void open_stream();
  void take(const protocol::ControllerMessage& message);
  void ended(const Error& error);
  void attempt_failed(const Error& error);
  void try_again_after(const Error& error);
  void give_up(const Error& last);

  boost::asio::io_context& io_;
  Membership& membership_;
  std::string target_;
  protocol::Hello hello_;
  std::chrono::milliseconds grace_;
  LinkEvents events_;
  LinkThread thread_;
  std::unique_ptr<ControlStream> stream_;
  boost::asio::steady_timer timer_;
  std::chrono::milliseconds patience_{0};
  SteadyTime give_up_at_;
  std::chrono::milliseconds backoff_{0};
  bool joined_ = false;  // the present stream has got its Welcome
  bool ever_joined_ = false;
  bool hello_on_its_way_ = false;
};

}  // namespace gust::invoker
