// Open file descriptors that travel with a message's bytes over a Unix socket (SCM_RIGHTS, unix(7)). Header only:
// gust-launcher and gust-pack link nothing for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <sys/socket.h>
#include <vector>

#include "base/fd.h"

namespace gust {

inline constexpr std::size_t kMostPassedFds = 253;  ///< that the kernel takes with one message

namespace pass_fds_detail {

using Control = std::array<char, CMSG_SPACE(sizeof(int) * kMostPassedFds)>;

}  // namespace pass_fds_detail

/// As sendmsg(2), with MSG_NOSIGNAL. `fds` has at most kMostPassedFds. Allocates nothing, so a child may call it
/// between fork and execve.
inline ssize_t send_with_fds(int socket, std::span<const std::byte> bytes, std::span<const int> fds, int flags = 0) {
  alignas(cmsghdr) pass_fds_detail::Control control;
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  return ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

/// As recvmsg(2), with MSG_CMSG_CLOEXEC. What came with the bytes is added to `fds`.
inline ssize_t receive_with_fds(int socket, std::span<std::byte> bytes, std::vector<UniqueFd>& fds, int flags = 0) {
  alignas(cmsghdr) pass_fds_detail::Control control;
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (size < 0) return size;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return size;
}

}  // namespace gust
