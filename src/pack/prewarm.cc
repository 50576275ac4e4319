#include "pack/prewarm.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

#include "pack/run.h"
#include "pack/threads.h"

namespace gust::pack {
namespace {

/// Kept for as long as the process lives: the environment lies in it.
struct Packet {
  std::array<char, kMaxClaimBytes> bytes;
  std::size_t size = 0;
  std::array<int, kClaimDescriptors> descriptors{-1, -1, -1};
};

bool receive(Packet& packet) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof packet.descriptors)> control{};
  iovec part{packet.bytes.data(), packet.bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(kInvokerSocket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (size <= 0 || header == nullptr || header->cmsg_len != CMSG_LEN(sizeof packet.descriptors)) return false;
  std::memcpy(packet.descriptors.data(), CMSG_DATA(header), sizeof packet.descriptors);
  packet.size = static_cast<std::size_t>(size);
  return true;
}

/// The socket last: it takes the place of the one to the launcher.
bool place(const std::array<int, kClaimDescriptors>& descriptors) {
  const bool placed = ::dup2(descriptors[1], STDOUT_FILENO) >= 0 && ::dup2(descriptors[2], STDERR_FILENO) >= 0 &&
                      ::dup2(descriptors[0], kInvokerSocket) >= 0;
  for (const int descriptor : descriptors) ::close(descriptor);
  return placed;
}

void take_environment(std::string_view text) {
  static std::vector<char*> variables;
  for (std::size_t begin = 0; begin < text.size() && text[begin] != '\0';) {
    variables.push_back(const_cast<char*>(text.data() + begin));
    begin = text.find('\0', begin) + 1;
  }
  variables.push_back(nullptr);
  environ = variables.data();
}

template <class Resource>
bool limit(Resource resource, std::uint64_t value) {
  const rlimit both{value, value};
  return ::setrlimit(resource, &both) == 0;
}

bool apply_limits(const Claim& claim, std::uint32_t threads) {
  const std::uint32_t surplus = threads > claim.workers ? threads - claim.workers : 0;
  return limit(RLIMIT_NOFILE, claim.open_files) &&
         (claim.data_limit == 0 || limit(RLIMIT_DATA, claim.data_limit + surplus * kWorkerStackBytes)) &&
         (claim.processes == 0 || limit(RLIMIT_NPROC, claim.processes + surplus));
}

}  // namespace

bool await_claim(std::uint32_t threads) {
  static Packet packet;
  const char ready = 1;
  if (::send(kInvokerSocket, &ready, sizeof ready, MSG_NOSIGNAL) != sizeof ready || !receive(packet)) return false;
  Claim claim;
  if (packet.size < sizeof claim) return false;
  std::memcpy(&claim, packet.bytes.data(), sizeof claim);
  const std::string_view rest(packet.bytes.data() + sizeof claim, packet.size - sizeof claim);
  const bool whole = rest.size() == claim.environment_size && (rest.empty() || rest.back() == '\0');
  if (claim.magic != kClaimMagic || !whole || !place(packet.descriptors)) return false;
  take_environment(rest);
  return apply_limits(claim, threads);
}

}  // namespace gust::pack
