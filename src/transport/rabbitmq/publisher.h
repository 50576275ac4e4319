// What a pack sends by way of a RabbitMQ server: kept until the server has confirmed it, sent again when the connection
// was lost before.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/mutex.h"
#include "message/layout.h"
#include "message/transport.h"
#include "transport/backend.h"
#include "transport/rabbitmq/link.h"

namespace gust::transport::rabbitmq {

/// Thread-safe. It has no connection before there is something to send.
class Publisher {
 public:
  Publisher(const message::Layout& layout, const Address& address, const std::string& flare_id, Link::Lost lost);
  /// Waits until the server has confirmed everything, but for kServerPatience at most; not after stop().
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// As message::Transport::send(). What is on its way to the server is bounded, which makes callers wait.
  Result<void> send(PackId to, const message::FrameHeader& header, std::span<const message::Piece> pieces,
                    SteadyTime deadline);
  void stop();

 private:
  struct Frame {
    PackId to;
    message::Buffer body;  // null when it is confirmed
    [[nodiscard]] std::size_t cost() const;
  };

  Result<void> serve(Connection& connection);
  Result<void> take(const amqp_frame_t& frame);
  Result<void> confirmed(std::uint64_t tag, bool and_before);
  Result<void> publish_one(Connection& connection);
  void start_again();
  [[nodiscard]] bool may_publish();
  [[nodiscard]] bool is_finished();
  void give_up(const Error& error);
  Result<void> reserve(PackId to, std::size_t bytes, SteadyTime deadline);
  std::optional<Error> refusal() GUST_REQUIRES(mutex_);

  const message::Layout layout_;
  const Address address_;
  const std::string flare_id_;
  const Link::Lost lost_;

  // The link's thread's own:
  std::deque<Frame> sent_;  // and not confirmed, with all that follow
  std::uint64_t first_tag_ = 1;
  std::set<PackId> declared_;

  Mutex mutex_;
  CondVar news_;  // there is room
  std::deque<Frame> waiting_ GUST_GUARDED_BY(mutex_);
  std::size_t bytes_ GUST_GUARDED_BY(mutex_) = 0;  // that are not confirmed
  std::string blocked_ GUST_GUARDED_BY(mutex_);    // why the server wants nothing now
  std::optional<Error> failed_ GUST_GUARDED_BY(mutex_);
  bool stopped_ GUST_GUARDED_BY(mutex_) = false;
  bool finishing_ GUST_GUARDED_BY(mutex_) = false;
  bool started_ GUST_GUARDED_BY(mutex_) = false;
  Link link_;  // last: its thread uses the rest
};

}  // namespace gust::transport::rabbitmq
