// From a queue's elements to the hub: each frame's payload into its place.
#pragma once

#include "message/layout.h"
#include "message/transport.h"
#include "transport/redis/replies.h"

namespace gust::transport::redis {

/// For one thread.
class Intake {
 public:
  Intake(const message::Layout& layout, message::FrameSink& sink) : layout_(layout), sink_(sink) {}

  /// A connection begins. What was received by half comes again.
  void reset() { in_frame_ = false; }
  /// Takes the element of `size` bytes that is next in `replies`; true when a frame ends with it. kInvalid for what
  /// no pack wrote; otherwise as of Replies.
  Result<bool> take(Replies& replies, std::size_t size);

 private:
  [[nodiscard]] Result<PackId> sender() const;
  Result<bool> take_payload(Replies& replies);

  const message::Layout& layout_;
  message::FrameSink& sink_;
  message::FrameHeader header_;
  PackId from_;
  bool in_frame_ = false;  // its payload is the next element
};

}  // namespace gust::transport::redis
