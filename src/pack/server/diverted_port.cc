#include "pack/server/diverted_port.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <utility>

#include "base/check.h"

namespace gust::pack {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "name this processor's constant of linux/audit.h"
#endif

// Of Linux 5.19, newer than the headers: a call that has been read is not interrupted by signals, such as those by
// which Go's runtime preempts its threads; it would be made again.
constexpr unsigned long kWaitKillable = 1UL << 5;
constexpr int kBacklog = 128;
constexpr const char* kLoopback6 = "::ffff:127.0.0.1";

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

std::string proc_path(std::uint32_t pid, const std::string& rest) {
  return "/proc/" + std::to_string(pid) + "/" + rest;
}

/// What the call wants to bind to. Family 0 when it cannot be read.
Address read_address(const seccomp_notif& call) {
  Address address{};
  const UniqueFd memory(::open(proc_path(call.pid, "mem").c_str(), O_RDONLY | O_CLOEXEC));
  const std::size_t size = std::min<std::size_t>(call.data.args[2], sizeof address);
  if (!memory || ::pread(memory.get(), &address, size, static_cast<off_t>(call.data.args[1])) < 0) return {};
  return address;
}

bool is_port(const Address& address, std::uint16_t port) {
  if (address.any.sa_family == AF_INET) return address.v4.sin_port == htons(port);
  return address.any.sa_family == AF_INET6 && address.v6.sin6_port == htons(port);
}

/// The O_ flags of another process's descriptor; 0 when they cannot be read.
int flags_of(std::uint32_t pid, std::uint64_t descriptor) {
  const UniqueFd file(::open(proc_path(pid, "fdinfo/" + std::to_string(descriptor)).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
  const std::string_view lines(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  constexpr std::string_view kName = "flags:\t";
  const std::size_t at = lines.find(kName);
  int flags = 0;
  if (at != std::string_view::npos) {
    std::from_chars(lines.data() + at + kName.size(), lines.data() + lines.size(), flags, 8);
  }
  return flags;
}

/// On a port of the loopback interface that the kernel chooses. A socket of IPv6 has IPv4's loopback address, too.
UniqueFd bound_socket(int family, int flags) {
  UniqueFd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  Address address{};
  address.any.sa_family = static_cast<sa_family_t>(family);
  socklen_t size = sizeof address.v4;
  if (family == AF_INET6) {
    const int no = 0;
    if (socket) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    ::inet_pton(AF_INET6, kLoopback6, &address.v6.sin6_addr);
    size = sizeof address.v6;
  } else {
    address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  if (socket && ::bind(socket.get(), &address.any, size) != 0) socket.reset();
  return socket;
}

/// Of a bound socket, in host order; 0 for none.
std::uint16_t port_of(int socket) {
  Address address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, &address.any, &size) != 0) return 0;
  return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/// From now on the socket talks with the loopback address only by segments that are signed with the key (RFC 2385).
bool sign(int socket, int family, const DivertedPort::Key& key) {
  tcp_md5sig signature{};
  Address& peer = reinterpret_cast<Address&>(signature.tcpm_addr);
  peer.any.sa_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    ::inet_pton(AF_INET6, kLoopback6, &peer.v6.sin6_addr);
  } else {
    peer.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  signature.tcpm_keylen = key.size();
  std::memcpy(signature.tcpm_key, key.data(), key.size());
  return ::setsockopt(socket, IPPROTO_TCP, TCP_MD5SIG, &signature, sizeof signature) == 0;
}

/// In the place of what the process has there: a socket that listens already, so that who connects need not wait for
/// its own listen(2). What it has set on its socket is lost; it was not bound, so nobody waits on it.
/// Nothing, with errno, when that cannot be.
UniqueFd replace_socket(int calls, const seccomp_notif& call, int family, const DivertedPort::Key& key) {
  const int flags = flags_of(call.pid, call.data.args[0]);
  UniqueFd socket = bound_socket(family, flags & SOCK_NONBLOCK);
  if (!socket || !sign(socket.get(), family, key) || ::listen(socket.get(), kBacklog) != 0) return {};
  seccomp_notif_addfd placed{};
  placed.id = call.id;
  placed.flags = SECCOMP_ADDFD_FLAG_SETFD;
  placed.srcfd = static_cast<std::uint32_t>(socket.get());
  placed.newfd = static_cast<std::uint32_t>(call.data.args[0]);
  placed.newfd_flags = static_cast<std::uint32_t>(flags & O_CLOEXEC);
  if (::ioctl(calls, SECCOMP_IOCTL_NOTIF_ADDFD, &placed) < 0) return {};
  return socket;
}

}  // namespace

int divert_binds() {
  std::array<sock_filter, 6> program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 3),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bind, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  long calls =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable, &filter);
  if (calls < 0 && errno == EINVAL) {
    calls = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  }
  return static_cast<int>(calls);
}

DivertedPort::DivertedPort(UniqueFd calls, std::uint16_t port) : calls_(std::move(calls)), port_(port) {
  GUST_CHECK(::getrandom(key_.data(), key_.size(), 0) == static_cast<ssize_t>(key_.size()), "random bytes");
}

void DivertedPort::take_call() {
  seccomp_notif call{};
  if (::ioctl(calls_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;  // who called is gone
  seccomp_notif_resp answer{};
  answer.id = call.id;
  const Address address = read_address(call);
  // Unless who called was gone while its memory was read, and that was another's.
  const bool is_ours = is_port(address, port_) && ::ioctl(calls_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &call.id) == 0;
  if (!is_ours) {
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  } else if (UniqueFd socket = replace_socket(calls_.get(), call, address.any.sa_family, key_)) {
    // The first counts: servers that bind for IPv4 and IPv6 apart, or once a process, answer on each.
    if (!listener_) listener_ = std::move(socket);
  } else {
    answer.error = -errno;
  }
  ::ioctl(calls_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

Result<UniqueFd> DivertedPort::connect() const {
  UniqueFd socket = bound_socket(AF_INET, SOCK_NONBLOCK);
  if (!socket) return fail_errno("make a socket to the action's server", errno);
  const int yes = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (!sign(socket.get(), AF_INET, key_)) return fail_errno("sign what is sent to the action's server", errno);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_of(listener_.get()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    return fail_errno("connect to the action's server", errno);
  }
  return socket;
}

}  // namespace gust::pack
