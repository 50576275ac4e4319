#include "invoker/pack_channel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>

namespace gust::invoker {

namespace {

// Messages below this fit the default buffer (212,992 bytes) with the kernel's overhead for each packet.
constexpr std::size_t kFitsDefaultBuffer = 96 << 10;
constexpr std::size_t kLargestBuffer = 8 << 20;

std::unexpected<Error> no_descriptor(std::string_view what) {
  if (errno == EMFILE || errno == ENFILE) {
    return fail(ErrorCode::kBusy, "no file descriptors left; raise the limit of open files (ulimit -n)");
  }
  return fail_errno(what, errno);
}

Result<void> set_non_blocking(int fd) {
  if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl of a pack's channel", errno);
  return {};
}

Result<void> open_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return no_descriptor("create a pack's pipe");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return set_non_blocking(read_end.get());
}

// Best effort: what does not fit is written later, when the pack reads.
void enlarge_buffer(int socket, std::size_t bytes) {
  const int size = static_cast<int>(std::min(bytes + bytes / 4, kLargestBuffer));
  if (::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
}

}  // namespace

Result<PackChannel> open_pack_channel(std::size_t first_message_bytes) {
  PackChannel channel;
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return no_descriptor("create a pack's socket");
  }
  channel.ours.socket.reset(ends[0]);
  channel.theirs.socket.reset(ends[1]);
  GUST_TRY_VOID(set_non_blocking(channel.ours.socket.get()));
  if (first_message_bytes > kFitsDefaultBuffer) enlarge_buffer(channel.ours.socket.get(), first_message_bytes);
  GUST_TRY_VOID(open_pipe(channel.ours.standard_output, channel.theirs.standard_output));
  GUST_TRY_VOID(open_pipe(channel.ours.standard_error, channel.theirs.standard_error));
  return channel;
}

}  // namespace gust::invoker
