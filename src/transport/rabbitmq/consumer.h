// What a pack receives by way of a RabbitMQ server.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "message/layout.h"
#include "message/transport.h"
#include "transport/rabbitmq/link.h"

namespace gust::transport::rabbitmq {

/// Its thread runs from construction to destruction; the sink is called on it. What the server sends again, because the
/// connection was lost before it was acknowledged, reaches the sink again.
class Consumer {
 public:
  /// `first` is a connection on which the pack's witness has been declared.
  Consumer(const message::Layout& layout, const Address& address, const std::string& flare_id,
           std::unique_ptr<Connection> first, message::FrameSink& sink, Link::Lost lost);
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

 private:
  Result<void> serve(Connection& connection);
  Result<void> take(Connection& connection, const amqp_frame_t& frame);
  Result<void> take_part(Connection& connection, message::Piece part);
  Result<void> begin();
  Result<void> done(Connection& connection);
  Result<void> acknowledge(Connection& connection);

  const message::Layout layout_;
  const std::string queue_;
  message::FrameSink& sink_;

  // The link's thread's own:
  std::uint64_t tag_ = 0;           // of the message that is arriving
  std::uint64_t left_ = 0;          // bytes of it that have not arrived
  std::size_t staged_ = 0;          // bytes of its header that have
  message::FrameHeader header_;     // as far as it has arrived
  std::byte* place_ = nullptr;      // of the rest of its payload; null when that is to be dropped
  std::optional<PackId> from_;      // who sent it, once its header is good
  std::uint64_t received_ = 0;      // the last message to be acknowledged
  std::uint64_t acknowledged_ = 0;  // the last one that is
  std::size_t unacknowledged_bytes_ = 0;
  Link link_;  // last: its thread uses the rest
};

}  // namespace gust::transport::rabbitmq
