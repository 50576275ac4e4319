#include "container/launcher/packet.h"

#include <array>
#include <cerrno>

#include "base/pass_fds.h"

namespace gust::container {

static_assert(kMaxStartsPerPacket * kDescriptorsPerStart <= kMostPassedFds);

ReceivedPacket receive_packet(int socket, std::span<char> buffer) {
  ReceivedPacket packet;
  const ssize_t size = receive_with_fds(socket, std::as_writable_bytes(buffer), packet.descriptors, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (size <= 0) return {.bytes = {}, .descriptors = {}, .end = true};
  packet.bytes = buffer.first(static_cast<std::size_t>(size));
  return packet;
}

int send_packet(int socket, std::span<const char> bytes, std::span<const UniqueFd> descriptors) {
  std::array<int, kMostPassedFds> numbers;
  std::size_t count = 0;
  for (const UniqueFd& descriptor : descriptors) numbers.at(count++) = descriptor.get();
  const ssize_t sent = send_with_fds(socket, std::as_bytes(bytes), std::span(numbers).first(count), MSG_DONTWAIT);
  return sent < 0 ? errno : 0;
}

}  // namespace gust::container
