// The packets of pack_frames.h on their socket.
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

#include "protocol/pack_frames.h"

namespace gust::protocol {

namespace {

constexpr std::size_t kMaxPacket = sizeof(PacketHeader) + kMaxPacketPayload;

std::unexpected<Error> malformed(std::string message) {
  return fail(ErrorCode::kInvalid, "a packet on a pack's socket " + std::move(message));
}

std::unexpected<Error> closed() {
  return fail(ErrorCode::kUnavailable, "the other end of the pack's socket is closed");
}

bool is_last_words(FrameType type) { return type == FrameType::kCrashed || type == FrameType::kExited; }

Result<void> wait_writable(int socket, int timeout_ms) {
  pollfd entry{.fd = socket, .events = POLLOUT, .revents = 0};
  const int ready = ::poll(&entry, 1, timeout_ms);
  if (ready == 0) {
    return fail(ErrorCode::kTimedOut,
                "the other end of the pack's socket read nothing for " + std::to_string(timeout_ms) + " ms");
  }
  if (ready < 0 && errno != EINTR) return fail_errno("wait for a pack's socket", errno);
  return {};
}

// Messages cut into packets, as sendmmsg() wants them. The headers stand in a deque, since they are pointed at.
class Packets {
 public:
  explicit Packets(std::span<const Message> messages) {
    for (const Message& message : messages) add(message.type, message.payload);
    for (std::size_t i = 0; i < headers_.size(); ++i) {
      mmsghdr packet{};
      packet.msg_hdr.msg_iov = &parts_[2 * i];
      packet.msg_hdr.msg_iovlen = 2;
      packets_.push_back(packet);
    }
  }

  std::span<mmsghdr> all() { return packets_; }

 private:
  void add(FrameType type, std::string_view payload) {
    do {
      const std::string_view piece = payload.substr(0, kMaxPacketPayload);
      payload.remove_prefix(piece.size());
      PacketHeader& header = headers_.emplace_back();
      header.type = type;
      header.flags = payload.empty() ? 0 : kMore;
      header.size = static_cast<std::uint32_t>(piece.size());
      parts_.push_back({&header, sizeof header});
      parts_.push_back({const_cast<char*>(piece.data()), piece.size()});
    } while (!payload.empty());
  }

  std::deque<PacketHeader> headers_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> packets_;
};

// A pack's death with unread input is told as a reset before the packets that it wrote earlier; those still count.
ssize_t receive(int socket, void* buffer, std::size_t size) {
  bool was_reset = false;
  while (true) {
    const ssize_t got = ::recv(socket, buffer, size, MSG_DONTWAIT | MSG_TRUNC);
    if (got >= 0 || (errno != EINTR && (errno != ECONNRESET || was_reset))) return got;
    was_reset = was_reset || errno == ECONNRESET;
  }
}

Result<void> check_header(const PacketHeader& header, std::size_t payload_size) {
  if (header.magic != kPacketMagic) return malformed("does not begin with Gust's magic number");
  if (header.version != kPackProtocolVersion) {
    return fail(ErrorCode::kVersionMismatch,
                "the other end of the pack's socket speaks version " + std::to_string(header.version) +
                    " of the pack protocol, this end version " + std::to_string(kPackProtocolVersion) +
                    "; install gust and gust-pack from one build");
  }
  if (header.type < FrameType::kStart || header.type > FrameType::kTraffic) {
    return malformed("has the unknown type " + std::to_string(static_cast<unsigned>(header.type)));
  }
  if ((header.flags & ~kMore) != 0 || header.reserved != 0) return malformed("has unknown flags");
  if (header.size != payload_size) {
    return malformed("announces " + std::to_string(header.size) + " bytes and carries " + std::to_string(payload_size));
  }
  const bool more = (header.flags & kMore) != 0;
  if (more && (payload_size == 0 || is_last_words(header.type))) return malformed("may not be continued");
  return {};
}

}  // namespace

Result<void> send_messages(int socket, std::span<const Message> messages, int timeout_ms) {
  Packets packets(messages);
  for (std::span<mmsghdr> left = packets.all(); !left.empty();) {
    const int sent = ::sendmmsg(socket, left.data(), static_cast<unsigned>(left.size()), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      left = left.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return closed();
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      GUST_TRY_VOID(wait_writable(socket, timeout_ms));
    } else if (errno != EINTR) {
      return fail_errno("write to a pack's socket", errno);
    }
  }
  return {};
}

Result<std::optional<Message>> MessageReader::read(int socket) {
  std::array<char, kMaxPacket> packet;  // not initialised: it is large, and only what arrived is looked at
  would_block_ = false;
  const ssize_t got = receive(socket, packet.data(), packet.size());
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    would_block_ = true;
    return std::nullopt;
  }
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return closed();
  if (got < 0) return fail_errno("read from a pack's socket", errno);

  const auto size = static_cast<std::size_t>(got);
  if (size > packet.size()) return malformed("has " + std::to_string(size) + " bytes, more than the largest packet");
  if (size < sizeof(PacketHeader)) return malformed("is shorter than its header");
  PacketHeader header;
  std::memcpy(&header, packet.data(), sizeof header);
  const std::string_view payload(packet.data() + sizeof header, size - sizeof header);
  GUST_TRY_VOID(check_header(header, payload.size()));

  if (is_last_words(header.type)) return Message{header.type, std::string(payload)};
  if (!partial_) partial_ = Message{header.type, {}};
  if (partial_->type != header.type) return malformed("belongs to a message other than the one that it follows");
  if (payload.size() > max_message_bytes_ - std::min(max_message_bytes_, partial_->payload.size())) {
    return fail(ErrorCode::kTooLarge,
                "a message on a pack's socket is larger than " + std::to_string(max_message_bytes_) + " bytes");
  }
  partial_->payload += payload;
  if ((header.flags & kMore) != 0) return std::nullopt;
  return std::exchange(partial_, std::nullopt);
}

}  // namespace gust::protocol
