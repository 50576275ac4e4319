// Writes one message to a pack's socket without ever waiting: as much as fits now, the rest when there is room.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "protocol/pack_frames.h"

namespace gust::invoker {

class MessageWriter {
 public:
  MessageWriter(protocol::FrameType type, std::string payload) : type_(type), payload_(std::move(payload)) {}

  enum class Progress : std::uint8_t { kDone, kFull };
  /// kFull: call again when the socket is writable. kUnavailable when the other end is closed.
  Result<Progress> write_some(int socket);

 private:
  protocol::FrameType type_;
  std::string payload_;
  std::size_t sent_ = 0;
};

}  // namespace gust::invoker
