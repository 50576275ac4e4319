// A thread that keeps a connection to a RabbitMQ server, and makes a new one when it is lost.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mutex.h"
#include "base/result.h"
#include "transport/rabbitmq/connection.h"

namespace gust::transport::rabbitmq {

/// How long a server may be away before what needs it fails: it takes some seconds to start.
inline constexpr std::chrono::seconds kServerPatience{30};

/// Thread-safe, but for start() and the destructor.
class Link {
 public:
  /// What is done with a connection, on the link's thread. Ends with success when there is nothing more to do, with
  /// kUnavailable when it is to go on with another connection.
  using Serve = std::function<Result<void>(Connection&)>;
  /// Called once, on the link's thread, when it gives up.
  using Lost = std::function<void(const Error&)>;

  /// `witness` is the queue without which a server has lost what it held.
  Link(const Address& address, std::string witness, Serve serve, Lost lost);
  /// Ends it, as stop() does, but lets what is being done come to its end if that takes no longer than a second.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// With `first`, or with a connection that it makes itself.
  void start(std::unique_ptr<Connection> first);
  [[nodiscard]] bool is_started() const { return thread_.joinable(); }

  /// Ends wait().
  void wake();
  /// Ends it wherever it is. Nothing is reported afterwards. Does not block.
  void stop();
  /// Waits until the thread has nothing more to do, has given up or was stopped. False at the deadline.
  bool wait_for_end(SteadyTime deadline);

  // For Serve:

  /// For something to be read from the connection, or for wake(); for a second at most.
  void wait(const Connection& connection);
  [[nodiscard]] bool is_ending() const { return ending_; }

 private:
  void run(std::unique_ptr<Connection> first);
  Result<std::unique_ptr<Connection>> reconnect();
  Result<void> use(Connection& connection);
  void pause(std::chrono::milliseconds time);

  const Address address_;
  const std::string witness_;
  const Serve serve_;
  const Lost lost_;
  const UniqueFd wake_;
  std::atomic<bool> ending_ = false;
  Mutex mutex_;
  CondVar news_;
  Connection* connection_ GUST_GUARDED_BY(mutex_) = nullptr;  // in use
  bool ended_ GUST_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace gust::transport::rabbitmq
