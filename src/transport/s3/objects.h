// What stands in the bucket while a flare runs: one object for one or more frames from a pack to a pack, named
// gust/<flare>/<receiving pack>/<sending pack>/<number>, the number in 16 hex digits. So one list finds all that is
// new for a pack. Written by Outbox, read and removed by Inbox.
//
// An object is its frames one after the other, each a FrameHeader as it lies in memory and frame_bytes of payload.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "message/transport.h"

namespace gust::transport::s3 {

/// All objects for a pack begin with this.
std::string inbox_prefix(std::string_view flare_id, PackId to);
/// What follows the inbox's prefix.
std::string object_name(PackId from, std::uint64_t number);
struct ObjectName {
  PackId from;
  std::uint64_t number = 0;
};
/// From what follows the inbox's prefix; none for an object that is not ours.
std::optional<ObjectName> parse_object_name(std::string_view name);

/// How many bytes an object has, where frames have at most `chunk_bytes`: small frames share one, up to this.
std::size_t largest_object(std::size_t chunk_bytes);

/// Hands the frames of an object over, in order. kInvalid for a truncated one, and what the sink says.
Result<void> deliver_object(PackId from, message::Piece object, message::FrameSink& sink);

}  // namespace gust::transport::s3
