#include "transport/rabbitmq/publisher.h"

#include <amqp_framing.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace gust::transport::rabbitmq {

using message::FrameHeader;
using message::Piece;

namespace {

using Clock = std::chrono::steady_clock;

// Enough for a server to have always something to do: at 1 MiB a frame it answers within a few frames. And little
// enough for buffers to be used again (message/spare_memory.h): new memory takes longer to get than to fill.
constexpr std::size_t kWindowBytes = std::size_t{16} << 20;
// What a frame takes beside its payload: about the memory of keeping it.
constexpr std::size_t kFrameOverhead = 128;
// So much is published before the answers are looked at, which costs a system call.
constexpr std::size_t kBytesATurn = std::size_t{64} << 10;

}  // namespace

std::size_t Publisher::Frame::cost() const { return body.size() + kFrameOverhead; }

Publisher::Publisher(const message::Layout& layout, const Address& address, const std::string& flare_id,
                     Link::Lost lost)
    : layout_(layout),
      address_(address),
      flare_id_(flare_id),
      lost_(std::move(lost)),
      link_(
          address, witness_name(flare_id, layout.self()), [this](Connection& connection) { return serve(connection); },
          [this](const Error& error) { give_up(error); }) {}

Publisher::~Publisher() {
  {
    const MutexLock lock(mutex_);
    finishing_ = true;
    if (!started_) return;
  }
  link_.wake();
  link_.wait_for_end(Clock::now() + kServerPatience);
}

void Publisher::stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    news_.notify_all();
  }
  link_.stop();
}

void Publisher::give_up(const Error& error) {
  {
    const MutexLock lock(mutex_);
    failed_ = error;
    news_.notify_all();
  }
  lost_(error);
}

std::optional<Error> Publisher::refusal() {
  if (stopped_) return Error{ErrorCode::kUnavailable, "communication between packs has ended"};
  if (failed_) return Error{ErrorCode::kUnavailable, failed_->message};
  return std::nullopt;
}

Result<void> Publisher::reserve(PackId to, std::size_t bytes, SteadyTime deadline) {
  const MutexLock lock(mutex_);
  while (true) {
    if (auto error = refusal()) return std::unexpected(std::move(*error));
    if (bytes_ == 0 || bytes_ + bytes <= kWindowBytes) break;
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut, "timed out: " + address_.name() + " does not take what is sent to " +
                                            layout_.name(to) + ": it is " +
                                            (blocked_.empty() ? "slow, away or short of memory" : blocked_));
    }
    if (deadline == SteadyTime::max()) {
      news_.wait(mutex_);
    } else {
      news_.wait_until(mutex_, deadline);
    }
  }
  bytes_ += bytes;
  if (!std::exchange(started_, true)) link_.start(nullptr);
  return {};
}

Result<void> Publisher::send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) {
  const std::size_t size = sizeof header + header.frame_bytes;
  Frame frame{to, message::Buffer::make(size)};
  if (!frame.body) return fail(ErrorCode::kTooLarge, "there is no memory to send " + std::to_string(size) + " bytes");
  GUST_TRY_VOID(reserve(to, frame.cost(), deadline));
  std::byte* at = frame.body.writable();
  std::memcpy(at, &header, sizeof header);
  at += sizeof header;
  for (const Piece& piece : pieces) {
    if (!piece.empty()) std::memcpy(at, piece.data(), piece.size());
    at += piece.size();
  }
  bool first = false;
  {
    const MutexLock lock(mutex_);
    first = waiting_.empty();
    waiting_.push_back(std::move(frame));
  }
  if (first) link_.wake();
  return {};
}

Result<void> Publisher::serve(Connection& connection) {
  start_again();
  GUST_TRY_VOID(connection.confirm());
  while (true) {
    while (const amqp_frame_t* frame = GUST_TRY(connection.next())) GUST_TRY_VOID(take(*frame));
    if (link_.is_ending() || is_finished()) return {};
    if (!may_publish()) {
      link_.wait(connection);
      continue;
    }
    for (std::size_t bytes = 0; bytes < kBytesATurn && may_publish(); bytes += sent_.back().cost()) {
      GUST_TRY_VOID(publish_one(connection));
    }
  }
}

// What the server has not confirmed comes first again.
void Publisher::start_again() {
  std::erase_if(sent_, [](const Frame& frame) { return !frame.body; });
  const MutexLock lock(mutex_);
  waiting_.insert(waiting_.begin(), std::make_move_iterator(sent_.begin()), std::make_move_iterator(sent_.end()));
  sent_.clear();
  first_tag_ = 1;
  declared_.clear();
  blocked_.clear();
}

bool Publisher::may_publish() {
  const MutexLock lock(mutex_);
  return blocked_.empty() && !waiting_.empty();
}

bool Publisher::is_finished() {
  const MutexLock lock(mutex_);
  return finishing_ && bytes_ == 0;
}

Result<void> Publisher::publish_one(Connection& connection) {
  {
    const MutexLock lock(mutex_);
    sent_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  const Frame& frame = sent_.back();
  const std::string queue = queue_name(flare_id_, frame.to);
  if (!declared_.contains(frame.to)) {
    GUST_TRY_VOID(connection.declare(queue, Declare::kMake));
    declared_.insert(frame.to);
  }
  return connection.publish(queue, frame.body.bytes());
}

Result<void> Publisher::take(const amqp_frame_t& frame) {
  if (frame.frame_type != AMQP_FRAME_METHOD) return {};  // of a message that comes back
  const amqp_method_t& method = frame.payload.method;
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto& ack = *static_cast<const amqp_basic_ack_t*>(method.decoded);
      return confirmed(ack.delivery_tag, ack.multiple != 0);
    }
    case AMQP_BASIC_NACK_METHOD:
      return fail(ErrorCode::kInternal,
                  address_.name() + " refused a message: a queue of it failed, or has a limit on its length");
    case AMQP_BASIC_RETURN_METHOD:
      return fail(ErrorCode::kNotFound, address_.name() +
                                            " has no queue any more for a pack of this flare: somebody "
                                            "has deleted it");
    case AMQP_CONNECTION_BLOCKED_METHOD: {
      const auto& blocked = *static_cast<const amqp_connection_blocked_t*>(method.decoded);
      const MutexLock lock(mutex_);
      blocked_ = std::string(static_cast<const char*>(blocked.reason.bytes), blocked.reason.len);
      if (blocked_.empty()) blocked_ = "short of memory or disk";
      return {};
    }
    case AMQP_CONNECTION_UNBLOCKED_METHOD: {
      const MutexLock lock(mutex_);
      blocked_.clear();
      return {};
    }
    default: return {};
  }
}

Result<void> Publisher::confirmed(std::uint64_t tag, bool and_before) {
  if (tag < first_tag_ || tag - first_tag_ >= sent_.size()) {
    return fail(ErrorCode::kUnavailable, address_.name() + " confirmed what was not sent");
  }
  const std::size_t last = tag - first_tag_;
  std::size_t bytes = 0;
  for (std::size_t i = and_before ? 0 : last; i <= last; ++i) {
    if (!sent_[i].body) continue;
    bytes += sent_[i].cost();
    sent_[i].body.reset();
  }
  while (!sent_.empty() && !sent_.front().body) {
    sent_.pop_front();
    ++first_tag_;
  }
  const MutexLock lock(mutex_);
  bytes_ -= bytes;
  news_.notify_all();
  return {};
}

}  // namespace gust::transport::rabbitmq
