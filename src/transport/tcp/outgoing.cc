#include "transport/tcp/outgoing.h"

#include <limits.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>

#include "transport/tcp/sockets.h"

namespace gust::transport {

using message::FrameHeader;
using message::Piece;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A peer whose address is known answers at once, unless the first packet is lost: the kernel sends it again after 1 s
// and after 3 s. What has not succeeded by then breaks the way to this peer for good.
constexpr auto kConnectAtLeast = 4s;
// A frame that has begun to be written is written to its end: half of one would cost the connection.
constexpr auto kFinishFrame = 3s;

// Memory of a pack for the rings to all others; where that is less than a useful one for each, sockets do as well.
constexpr std::size_t kRingsBytes = std::size_t{16} << 20;
constexpr std::size_t kLargestRing = std::size_t{1} << 20;
constexpr std::size_t kSmallestRing = std::size_t{64} << 10;

std::size_t ring_bytes(std::uint32_t packs) {
  const std::size_t bytes = std::min(kLargestRing, std::bit_floor(kRingsBytes / packs));
  return bytes < kSmallestRing ? 0 : bytes;
}

bool is_local(int socket) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

std::unexpected<Error> connection_lost(int error) {
  return fail(ErrorCode::kUnavailable, std::string("connection lost: ") + std::strerror(error));
}

// Takes the bells that have come; an error when the reader is gone.
Result<void> take_bells(int socket) {
  std::array<char, 64> bells{};
  while (true) {
    const ssize_t got = ::recv(socket, bells.data(), bells.size(), MSG_DONTWAIT);
    if (got == 0) return fail(ErrorCode::kUnavailable, "connection lost: the other end closed it");
    if (got > 0) continue;
    if (errno == EAGAIN) return {};
    if (errno != EINTR) return connection_lost(errno);
  }
}

Result<void> ring_bell(int socket) {
  const char bell = 0;
  while (::send(socket, &bell, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno == EAGAIN) return {};  // bells enough
    if (errno != EINTR) return connection_lost(errno);
  }
  return {};
}

std::unexpected<Error> stopped() { return fail(ErrorCode::kUnavailable, "communication between packs has ended"); }

}  // namespace

Outgoing::Outgoing(const message::Layout& layout, const Hello& hello)
    : layout_(layout), hello_(hello), peers_(layout.packs()), addresses_(layout.packs()) {}

void Outgoing::add_peer(PackId pack, std::string address) {
  if (pack.value() >= layout_.packs()) return;
  const MutexLock lock(mutex_);
  std::string& known = addresses_[pack.value()];
  if (known.empty()) known = std::move(address);
  news_.notify_all();
}

void Outgoing::stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    news_.notify_all();
  }
  for (const Peer& peer : peers_) {
    // Wakes whoever waits to write; closed in the destructor only, so the number is still this socket's.
    if (const int fd = peer.fd; fd >= 0) ::shutdown(fd, SHUT_RDWR);
  }
}

Result<std::string> Outgoing::address_of(PackId to, SteadyTime deadline) {
  const MutexLock lock(mutex_);
  while (true) {
    if (stopped_) return stopped();
    const std::string& address = addresses_[to.value()];
    if (!address.empty()) return address;
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut, "timed out: " + layout_.name(to) + " has not begun to communicate");
    }
    if (deadline == SteadyTime::max()) {
      news_.wait(mutex_);
    } else {
      news_.wait_until(mutex_, deadline);
    }
  }
}

Result<void> Outgoing::connect(PackId to, SteadyTime deadline) {
  Peer& peer = peers_[to.value()];
  if (peer.fd >= 0) return {};
  const std::string address = GUST_TRY(address_of(to, deadline));
  const MutexLock lock(peer.write_mutex);
  return connect_locked(peer, to, address, deadline);
}

Result<void> Outgoing::connect_locked(Peer& peer, PackId to, const std::string& address, SteadyTime deadline) {
  if (peer.broken) return std::unexpected(*peer.broken);
  if (peer.socket) return {};
  deadline = std::max(deadline, Clock::now() + kConnectAtLeast);
  Result<UniqueFd> socket = connect_to(address, deadline);
  if (!socket) {
    peer.broken = Error{ErrorCode::kUnavailable, layout_.name(to) + " cannot be reached: " + socket.error().message};
    return std::unexpected(*peer.broken);
  }
  peer.socket = std::move(*socket);
  peer.fd = peer.socket.get();
  return say_hello(peer, to, deadline);
}

Result<void> Outgoing::say_hello(Peer& peer, PackId to, SteadyTime deadline) {
  Hello hello = hello_;
  hello.to_pack = to.value();
  const std::size_t bytes = ring_bytes(layout_.packs());
  if (bytes > 0 && is_local(peer.socket.get())) {
    if (auto ring = RingWriter::make(bytes)) {
      hello.ring_bytes = ring->capacity();
      GUST_TRY_VOID(send_with_fd(peer.socket.get(), std::as_bytes(std::span(&hello, 1)), ring->fd()));
      ring->close_fd();
      peer.ring = std::move(*ring);
      return {};
    }
  }
  const Piece piece = std::as_bytes(std::span(&hello, 1));
  bool begun = false;
  return write(peer, {&piece, 1}, deadline, begun);
}

Result<void> Outgoing::send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) {
  GUST_TRY_VOID(connect(to, deadline));
  Peer& peer = peers_[to.value()];
  const MutexLock lock(peer.write_mutex);
  if (stopped_) return stopped();
  if (peer.broken) return std::unexpected(*peer.broken);
  std::vector<Piece> all;
  all.reserve(pieces.size() + 1);
  all.push_back(std::as_bytes(std::span(&header, 1)));
  all.insert(all.end(), pieces.begin(), pieces.end());
  bool begun = false;
  auto written = peer.ring ? write_to_ring(peer, all, deadline, begun) : write(peer, all, deadline, begun);
  if (!written) {
    if (stopped_) return stopped();
    written.error().message = layout_.name(to) + ": " + written.error().message;
    if (!begun && written.error().code == ErrorCode::kTimedOut) return written;
    // What follows would be read as the rest of this frame. The other end is to know, too.
    peer.broken = Error{ErrorCode::kUnavailable, "the connection to " + layout_.name(to) + " is cut"};
    ::shutdown(peer.socket.get(), SHUT_RDWR);
  }
  return written;
}

Result<void> Outgoing::write(Peer& peer, std::span<const Piece> pieces, SteadyTime deadline, bool& begun) {
  std::vector<iovec> parts;
  parts.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    if (!piece.empty()) parts.push_back({const_cast<std::byte*>(piece.data()), piece.size()});
  }
  std::size_t first = 0;
  while (first < parts.size()) {
    msghdr message{};
    message.msg_iov = &parts[first];
    message.msg_iovlen = std::min<std::size_t>(parts.size() - first, IOV_MAX);
    const ssize_t sent = ::sendmsg(peer.socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return connection_lost(errno);
      GUST_TRY_VOID(wait_ready(peer.socket.get(), POLLOUT, deadline));
      continue;
    }
    if (!std::exchange(begun, true)) deadline = std::max<SteadyTime>(deadline, Clock::now() + kFinishFrame);
    auto left = static_cast<std::size_t>(sent);
    while (first < parts.size() && left >= parts[first].iov_len) left -= parts[first++].iov_len;
    if (left > 0) {
      parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + left;
      parts[first].iov_len -= left;
    }
  }
  return {};
}

Result<void> Outgoing::write_to_ring(Peer& peer, std::span<const Piece> pieces, SteadyTime deadline, bool& begun) {
  const int socket = peer.socket.get();
  GUST_TRY_VOID(take_bells(socket));
  std::size_t unseen = 0;
  for (Piece piece : pieces) {
    while (!piece.empty()) {
      const std::size_t size = GUST_TRY(peer.ring.write(piece));
      piece = piece.subspan(size);
      unseen += size;
      if (size > 0 && !std::exchange(begun, true)) {
        deadline = std::max<SteadyTime>(deadline, Clock::now() + kFinishFrame);
      }
      if (unseen >= kRingStep || (size == 0 && unseen > 0)) {
        unseen = 0;
        if (peer.ring.publish()) GUST_TRY_VOID(ring_bell(socket));
      } else if (size == 0 && peer.ring.begin_wait()) {
        GUST_TRY_VOID(wait_ready(socket, POLLIN, deadline));
        GUST_TRY_VOID(take_bells(socket));
      }
    }
  }
  return unseen > 0 && peer.ring.publish() ? ring_bell(socket) : Result<void>();
}

}  // namespace gust::transport
