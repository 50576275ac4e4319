#include "transport/redis/intake.h"

namespace gust::transport::redis {

using message::FrameHeader;
using message::FrameKind;

namespace {

std::unexpected<Error> foreign() {
  return fail(ErrorCode::kInvalid, "something that none of the flare's packs wrote is in its keys");
}

}  // namespace

Result<PackId> Intake::sender() const {
  const bool is_direct = header_.kind == FrameKind::kDirect;
  if (header_.from >= (is_direct ? layout_.burst_size() : layout_.packs())) return foreign();
  return is_direct ? layout_.pack_of(WorkerId(header_.from)) : PackId(header_.from);
}

Result<bool> Intake::take(Replies& replies, std::size_t size) {
  if (in_frame_) {
    if (size != header_.frame_bytes) return foreign();
    return take_payload(replies);
  }
  if (size < sizeof(FrameHeader)) return foreign();
  GUST_TRY_VOID(replies.read_part(reinterpret_cast<std::byte*>(&header_), sizeof header_));
  from_ = GUST_TRY(sender());
  const std::size_t payload = size - sizeof(FrameHeader);
  if (payload == header_.frame_bytes) return take_payload(replies);
  if (payload != 0) return foreign();
  GUST_TRY_VOID(replies.skip_bulk(0));
  in_frame_ = true;
  return false;
}

Result<bool> Intake::take_payload(Replies& replies) {
  in_frame_ = false;
  const auto place = sink_.begin_frame(from_, header_);
  GUST_TRY_VOID(replies.read_bulk(place ? *place : nullptr, header_.frame_bytes));
  Result<void> taken;
  if (!place) taken = std::unexpected(place.error());
  if (place && *place != nullptr) taken = sink_.end_frame(from_, header_);
  if (!taken) sink_.peer_lost(from_, taken.error());
  return true;
}

}  // namespace gust::transport::redis
