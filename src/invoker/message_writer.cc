#include "invoker/message_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <sys/uio.h>

namespace gust::invoker {

Result<MessageWriter::Progress> MessageWriter::write_some(int socket) {
  while (true) {
    const std::size_t size = std::min(payload_.size() - sent_, protocol::kMaxPacketPayload);
    protocol::PacketHeader header;
    header.type = type_;
    header.flags = sent_ + size < payload_.size() ? protocol::kMore : 0;
    header.size = static_cast<std::uint32_t>(size);
    std::array<iovec, 2> parts = {iovec{&header, sizeof header}, iovec{payload_.data() + sent_, size}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Progress::kFull;
      if (errno == EPIPE || errno == ECONNRESET) {
        return fail(ErrorCode::kUnavailable, "the pack has closed its socket");
      }
      return fail_errno("write to a pack's socket", errno);
    }
    sent_ += size;
    if (sent_ == payload_.size()) return Progress::kDone;
  }
}

}  // namespace gust::invoker
