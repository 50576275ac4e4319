#include "transport/rabbitmq/consumer.h"

#include <amqp_framing.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace gust::transport::rabbitmq {

using message::FrameHeader;
using message::FrameKind;
using message::Piece;

namespace {

using namespace std::chrono_literals;

// Messages that the server may send ahead of their being acknowledged, and how many, or how many bytes, are
// acknowledged together: so that the server never waits for it.
constexpr std::uint16_t kPrefetch = 256;
constexpr std::uint64_t kAcknowledgeMessages = 64;
constexpr std::size_t kAcknowledgeBytes = std::size_t{8} << 20;
constexpr auto kRestPatience = 1s;

}  // namespace

Consumer::Consumer(const message::Layout& layout, const Address& address, const std::string& flare_id,
                   std::unique_ptr<Connection> first, message::FrameSink& sink, Link::Lost lost)
    : layout_(layout),
      queue_(queue_name(flare_id, layout.self())),
      sink_(sink),
      link_(
          address, witness_name(flare_id, layout.self()), [this](Connection& connection) { return serve(connection); },
          std::move(lost)) {
  link_.start(std::move(first));
}

Result<void> Consumer::serve(Connection& connection) {
  tag_ = received_ = acknowledged_ = 0;
  left_ = staged_ = unacknowledged_bytes_ = 0;
  GUST_TRY_VOID(connection.declare(queue_, Declare::kMake));
  GUST_TRY_VOID(connection.consume(queue_, kPrefetch));
  while (!link_.is_ending()) {
    // The rest of a message follows at once.
    if (const amqp_frame_t* frame = GUST_TRY(connection.next(left_ > 0 ? kRestPatience : 0s))) {
      GUST_TRY_VOID(take(connection, *frame));
      continue;
    }
    GUST_TRY_VOID(acknowledge(connection));
    link_.wait(connection);
  }
  return {};
}

Result<void> Consumer::take(Connection& connection, const amqp_frame_t& frame) {
  switch (frame.frame_type) {
    case AMQP_FRAME_METHOD:
      if (frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
        tag_ = static_cast<const amqp_basic_deliver_t*>(frame.payload.method.decoded)->delivery_tag;
      } else if (frame.payload.method.id == AMQP_BASIC_CANCEL_METHOD) {
        return fail(ErrorCode::kNotFound, "somebody has deleted the queue on which this pack receives");
      }
      return {};
    case AMQP_FRAME_HEADER:
      left_ = frame.payload.properties.body_size;
      staged_ = 0;
      place_ = nullptr;
      from_.reset();
      return left_ == 0 ? done(connection) : Result<void>();
    case AMQP_FRAME_BODY:
      return take_part(connection, {static_cast<const std::byte*>(frame.payload.body_fragment.bytes),
                                    frame.payload.body_fragment.len});
    default: return {};
  }
}

Result<void> Consumer::take_part(Connection& connection, Piece part) {
  left_ -= std::min<std::uint64_t>(left_, part.size());
  unacknowledged_bytes_ += part.size();
  if (staged_ < sizeof header_) {
    const std::size_t size = std::min(part.size(), sizeof header_ - staged_);
    std::memcpy(reinterpret_cast<std::byte*>(&header_) + staged_, part.data(), size);
    staged_ += size;
    part = part.subspan(size);
    if (staged_ == sizeof header_ && part.size() + left_ == header_.frame_bytes) GUST_TRY_VOID(begin());
  }
  if (place_ != nullptr && !part.empty()) {
    std::memcpy(place_, part.data(), part.size());
    place_ += part.size();
  }
  return left_ == 0 ? done(connection) : Result<void>();
}

// Its size is what it says, so all of its payload has a place.
Result<void> Consumer::begin() {
  const bool direct = header_.kind == FrameKind::kDirect;
  if (header_.from >= (direct ? layout_.burst_size() : layout_.packs())) return {};  // from nobody
  const PackId from = direct ? layout_.pack_of(WorkerId(header_.from)) : PackId(header_.from);
  auto place = sink_.begin_frame(from, header_);
  if (!place) {
    sink_.peer_lost(from, place.error());
    return {};
  }
  place_ = *place;
  if (place_ != nullptr) from_ = from;
  return {};
}

Result<void> Consumer::done(Connection& connection) {
  if (from_) {
    if (auto ended = sink_.end_frame(*from_, header_); !ended) sink_.peer_lost(*from_, ended.error());
  }
  received_ = tag_;
  const bool many = received_ - acknowledged_ >= kAcknowledgeMessages;
  return many || unacknowledged_bytes_ >= kAcknowledgeBytes ? acknowledge(connection) : Result<void>();
}

Result<void> Consumer::acknowledge(Connection& connection) {
  if (received_ == acknowledged_) return {};
  acknowledged_ = received_;
  unacknowledged_bytes_ = 0;
  return connection.acknowledge(received_);
}

}  // namespace gust::transport::rabbitmq
