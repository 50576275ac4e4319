#include "message/reassembly.h"

#include <string>
#include <utility>

namespace gust::message {

namespace {

std::unexpected<Error> malformed(const char* what) {
  return fail(ErrorCode::kInvalid, std::string("a frame between packs ") + what);
}

}  // namespace

bool Reassembly::Partial::has(std::uint64_t offset) const {
  return complete() || (any && (offset < prefix || beyond.contains(offset)));
}

Result<std::byte*> Reassembly::begin(const FrameHeader& header) {
  if (header.offset > header.message_bytes || header.frame_bytes > header.message_bytes - header.offset) {
    return malformed("reaches beyond its message");
  }
  if (header.frame_bytes == 0 && header.message_bytes != 0) return malformed("is empty and its message is not");
  const MutexLock lock(mutex_);
  Lane& lane = lanes_[{header.kind, header.from, header.to}];
  if (header.sequence < lane.next) return nullptr;
  const auto [found, added] = lane.partial.try_emplace(header.sequence);
  Partial& partial = found->second;
  if (partial.given_up) return nullptr;
  if (added) {
    partial.first = header;
    partial.data = Buffer::make(header.message_bytes);
    if (!partial.data) {
      lane.partial.erase(found);
      return fail(ErrorCode::kTooLarge, "there is no memory for a message of " + std::to_string(header.message_bytes) +
                                            " bytes; raise the action's memory limit, or send less at a time");
    }
  }
  if (partial.first.message_bytes != header.message_bytes) return malformed("contradicts another of its message");
  if (partial.has(header.offset)) return nullptr;
  return partial.data.writable() + header.offset;
}

Result<void> Reassembly::end(const FrameHeader& header) {
  const MutexLock lock(mutex_);
  Lane& lane = lanes_[{header.kind, header.from, header.to}];
  const auto found = lane.partial.find(header.sequence);
  if (found == lane.partial.end()) return malformed("ends without having begun");
  Partial& partial = found->second;
  if (partial.given_up || partial.has(header.offset)) return {};
  partial.any = true;
  partial.bytes += header.frame_bytes;
  if (partial.bytes > header.message_bytes) return malformed("overlaps with another of its message");
  if (header.offset == partial.prefix) {
    partial.prefix += header.frame_bytes;
  } else {
    partial.beyond.insert(header.offset);
  }
  deliver_next(lane);
  return {};
}

void Reassembly::give_up(const FrameHeader& message) {
  const MutexLock lock(mutex_);
  Lane& lane = lanes_[{message.kind, message.from, message.to}];
  if (message.sequence < lane.next) return;
  Partial& partial = lane.partial[message.sequence];
  partial.given_up = true;
  partial.first = message;
  partial.data.reset();
  deliver_next(lane);
}

void Reassembly::deliver_next(Lane& lane) {
  for (auto next = lane.partial.find(lane.next); next != lane.partial.end() && next->second.is_over();
       next = lane.partial.find(lane.next)) {
    deliver_(next->second.first, std::move(next->second.data));
    lane.partial.erase(next);
    ++lane.next;
  }
}

}  // namespace gust::message
