// One connection to a RabbitMQ server, with one channel: rabbitmq-c, with errors as values.
#pragma once

#include <amqp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "message/buffer.h"
#include "transport/rabbitmq/address.h"

namespace gust::transport::rabbitmq {

enum class Declare : std::uint8_t {
  kMake,   ///< if it is not there yet
  kCheck,  ///< kNotFound when it is not there
};

/// Only on one thread, but for cut(). Errors: kUnavailable when the connection is lost, or the server ends it in a way
/// that another attempt may mend; any other code when another attempt would fail again. After an error the connection
/// is of no use.
class Connection {
 public:
  /// Blocks for some seconds at most.
  static Result<std::unique_ptr<Connection>> open(const Address& address);
  /// Takes leave of the server, if nothing has gone wrong; waits for a second at most.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int socket() const { return amqp_get_sockfd(state_); }
  /// Ends whatever blocks on it. On any thread.
  void cut();

  Result<void> declare(const std::string& queue, Declare how);
  /// From here on the server confirms what is published, numbered from 1.
  Result<void> confirm();
  /// At most `prefetch` messages are on their way without having been acknowledged.
  Result<void> consume(const std::string& queue, std::uint16_t prefetch);
  /// To the queue of this name; comes back when there is none. Blocks while the server does not read.
  Result<void> publish(const std::string& queue, message::Piece body);
  /// This message, and all before it.
  Result<void> acknowledge(std::uint64_t tag);
  /// Does not wait; deletes the queue if it is there.
  Result<void> remove(const std::string& queue);
  /// When the server has done all that it was asked for. Nothing can be done on the connection afterwards.
  Result<void> close_channel();

  /// What has arrived, or arrives within `patience`; null if nothing does. Valid until the next call. The server's own
  /// ends of the connection come as errors. To be called every few seconds, for the heartbeat's sake.
  Result<const amqp_frame_t*> next(std::chrono::seconds patience = {});

 private:
  explicit Connection(const Address& address);
  Result<void> log_in();
  Result<void> check(int status, const char* doing);
  Result<void> check(const amqp_rpc_reply_t& reply, const char* doing);
  Error closed(const amqp_method_t& method, const char* doing);

  const Address address_;
  amqp_connection_state_t state_;
  amqp_frame_t frame_{};
  bool healthy_ = false;
  Mutex cut_mutex_;
  int cut_socket_ GUST_GUARDED_BY(cut_mutex_) = -1;
};

}  // namespace gust::transport::rabbitmq
