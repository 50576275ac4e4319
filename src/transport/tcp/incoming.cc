#include "transport/tcp/incoming.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <utility>

#include "transport/tcp/ring.h"

namespace gust::transport {

using message::FrameHeader;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Small frames are read many at a time; of larger ones the payload goes straight to its place.
constexpr std::size_t kStageBytes = 64 << 10;
constexpr std::size_t kDirectBytes = 16 << 10;
// How much is read of one connection before others have their turn; from a ring, a little at a time.
constexpr int kReadsATurn = 16;
constexpr int kRingReadsATurn = 256;
// Who connects has only to say hello.
constexpr auto kHelloPatience = 10s;

// Takes the same time wherever they differ.
bool equal(const Hello& a, const Hello& b) {
  unsigned difference = (a.magic ^ b.magic) | (a.version ^ b.version) | (a.to_pack ^ b.to_pack);
  for (std::size_t i = 0; i < kIdBytes; ++i) {
    difference |= static_cast<unsigned>((a.flare_id[i] ^ b.flare_id[i]) | (a.token[i] ^ b.token[i]));
  }
  return difference == 0;
}

}  // namespace

class Incoming::Connection {
 public:
  Connection(const Incoming& owner, UniqueFd socket)
      : owner_(owner), socket_(std::move(socket)), accepted_(Clock::now()), stage_(kStageBytes) {}

  [[nodiscard]] bool is_silent() const { return !from_ && Clock::now() > accepted_ + kHelloPatience; }

  enum class Outcome : std::uint8_t {
    kQuiet,   ///< there will be news on the socket when there is more
    kMore,    ///< there is more, and no news will tell
    kClosed,  ///< the connection is to be closed
  };

  Outcome read() {
    Result<Outcome> outcome = read_socket();
    if (outcome && ring_) outcome = read_ring(*outcome == Outcome::kClosed);
    if (outcome && *outcome != Outcome::kClosed) return *outcome;
    if (from_) {
      owner_.sink_.peer_lost(*from_,
                             outcome ? Error{ErrorCode::kUnavailable, "its connection was closed"} : outcome.error());
    }
    return Outcome::kClosed;
  }

 private:
  struct Room {
    std::span<std::byte> bytes;
    bool is_place = false;  // of the payload
  };

  // Where the next bytes are to go. A header by itself where a large payload may follow, or where that costs no system
  // call: what is staged behind it is copied once more.
  [[nodiscard]] Room room() {
    if (place_ != nullptr && (ring_ || payload_left_ >= kDirectBytes)) return {{place_, payload_left_}, true};
    const bool header_only = !in_payload_ && from_ && (ring_ || header_.frame_bytes >= kStageBytes);
    const std::size_t end = header_only ? sizeof header_ : stage_.size();
    return {std::span(stage_).subspan(staged_, end - staged_), false};
  }

  // Of a message whose sender has begun.
  [[nodiscard]] bool expects_more() const {
    return in_payload_ || header_.offset + header_.frame_bytes < header_.message_bytes;
  }

  Result<void> took(const Room& room, std::size_t size) {
    if (room.is_place) return took_payload(size);
    staged_ += size;
    return take_staged();
  }

  // Frames, and before them the Hello; of a connection that has a ring, bells.
  Result<Outcome> read_socket() {
    for (int i = 0; i < kReadsATurn; ++i) {
      Room room = this->room();
      std::array<std::byte, 64> bells{};
      if (ring_) room.bytes = bells;
      const ssize_t got = from_ ? ::recv(socket_.get(), room.bytes.data(), room.bytes.size(), 0)
                                : recv_with_fd(socket_.get(), room.bytes, memory_);
      if (got == 0) return Outcome::kClosed;
      if (got < 0) {
        if (errno == EAGAIN) return Outcome::kQuiet;
        if (errno == EINTR) continue;
        if (ring_) return Outcome::kClosed;  // a writer that leaves bells unread is no less welcome
        return fail(ErrorCode::kUnavailable, std::string("its connection was lost: ") + std::strerror(errno));
      }
      const auto size = static_cast<std::size_t>(got);
      if (!ring_) {
        GUST_TRY_VOID(took(room, size));
        if (!from_ && staged_ >= sizeof(Hello)) return Outcome::kClosed;  // a stranger
      }
      if (size < room.bytes.size()) return Outcome::kQuiet;
    }
    return Outcome::kQuiet;  // its being readable is news
  }

  // What was written before the socket was closed counts; that is no more than the ring holds.
  Result<Outcome> read_ring(bool socket_closed) {
    std::size_t left = socket_closed ? ring_.capacity() : SIZE_MAX;
    for (int i = 0; i < kRingReadsATurn || socket_closed; ++i) {
      const Room room = this->room();
      const std::size_t size = GUST_TRY(ring_.read(room.bytes.first(std::min(room.bytes.size(), left))));
      left -= size;
      if (size == 0) {
        if (socket_closed) return Outcome::kClosed;
        if (expects_more() && ring_.look()) continue;
        if (ring_.begin_wait()) return Outcome::kQuiet;
        continue;
      }
      if (ring_.owes_wake()) {
        const char bell = 0;
        [[maybe_unused]] const ssize_t rung = ::send(socket_.get(), &bell, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
      }
      GUST_TRY_VOID(took(room, size));
    }
    return Outcome::kMore;
  }

  Result<void> took_payload(std::size_t size) {
    payload_left_ -= size;
    if (place_ != nullptr) place_ += size;
    if (payload_left_ == 0) {
      in_payload_ = false;
      if (std::exchange(place_, nullptr) != nullptr) return owner_.sink_.end_frame(*from_, header_);
    }
    return {};
  }

  // Everything that is whole; what remains moves to the front.
  Result<void> take_staged() {
    std::size_t at = 0;
    while (true) {
      const std::size_t left = staged_ - at;
      if (in_payload_) {
        const std::size_t size = std::min(left, payload_left_);
        if (place_ != nullptr && size > 0) std::memcpy(place_, stage_.data() + at, size);
        at += size;
        if (size > 0) GUST_TRY_VOID(took_payload(size));
        if (in_payload_) break;
      } else if (!from_) {
        Hello hello;
        if (left < sizeof hello) break;
        std::memcpy(&hello, stage_.data() + at, sizeof hello);
        if (!equal(hello, owner_.expected_) || hello.from_pack >= owner_.layout_.packs()) break;
        if (hello.ring_bytes != 0) {
          ring_ = GUST_TRY(RingReader::open(memory_, hello.ring_bytes));
          memory_.reset();
        }
        from_ = PackId(hello.from_pack);
        at = ring_ ? staged_ : at + sizeof hello;  // bells follow
      } else {
        if (left < sizeof header_) break;
        std::memcpy(&header_, stage_.data() + at, sizeof header_);
        at += sizeof header_;
        place_ = GUST_TRY(owner_.sink_.begin_frame(*from_, header_));
        payload_left_ = header_.frame_bytes;
        in_payload_ = payload_left_ > 0;
        if (!in_payload_ && std::exchange(place_, nullptr) != nullptr) {
          GUST_TRY_VOID(owner_.sink_.end_frame(*from_, header_));
        }
      }
    }
    std::memmove(stage_.data(), stage_.data() + at, staged_ - at);
    staged_ -= at;
    return {};
  }

  const Incoming& owner_;
  UniqueFd socket_;
  SteadyTime accepted_;
  std::optional<PackId> from_;  // once it has said hello
  UniqueFd memory_;             // that came with the hello
  RingReader ring_;
  std::vector<std::byte> stage_;
  std::size_t staged_ = 0;
  FrameHeader header_;
  bool in_payload_ = false;
  std::byte* place_ = nullptr;  // of the rest of the payload; null when that is to be dropped
  std::size_t payload_left_ = 0;
};

Result<std::unique_ptr<Incoming>> Incoming::start(const message::Layout& layout, const Hello& expected,
                                                  std::vector<Listener> listeners, message::FrameSink& sink) {
  std::unique_ptr<Incoming> incoming(new Incoming(layout, expected, std::move(listeners), sink));
  if (!incoming->epoll_ || !incoming->wake_ || !incoming->watch(incoming->wake_.get())) {
    return fail_errno("wait for other packs", errno);
  }
  for (const Listener& listener : incoming->listeners_) {
    if (!incoming->watch(listener.socket.get())) return fail_errno("wait for other packs", errno);
  }
  incoming->thread_ = std::thread([raw = incoming.get()] { raw->run(); });
  return incoming;
}

Incoming::Incoming(const message::Layout& layout, const Hello& expected, std::vector<Listener> listeners,
                   message::FrameSink& sink)
    : layout_(layout),
      expected_(expected),
      listeners_(std::move(listeners)),
      sink_(sink),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Incoming::~Incoming() {
  ending_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t woken = ::write(wake_.get(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

bool Incoming::watch(int fd) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Incoming::run() {
  std::array<epoll_event, 64> events{};
  while (!ending_) {
    const int patience = with_more_.empty() ? 1000 : 0;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), patience);
    for (const int fd : std::exchange(with_more_, {})) read(fd);
    for (int i = 0; i < count && !ending_; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (connections_.contains(fd)) {
        read(fd);
      } else if (fd != wake_.get()) {
        accept(fd);
      }
    }
    if (count == 0) close_silent();
  }
}

void Incoming::read(int fd) {
  const auto found = connections_.find(fd);
  switch (found->second->read()) {
    case Connection::Outcome::kQuiet: with_more_.erase(fd); break;
    case Connection::Outcome::kMore: with_more_.insert(fd); break;
    case Connection::Outcome::kClosed:
      with_more_.erase(fd);
      connections_.erase(found);
      break;
  }
}

void Incoming::accept(int listener) {
  while (true) {
    UniqueFd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    const int fd = socket.get();
    if (!watch(fd)) return;
    connections_[fd] = std::make_unique<Connection>(*this, std::move(socket));
  }
}

void Incoming::close_silent() {
  std::erase_if(connections_, [](const auto& entry) { return entry.second->is_silent(); });  // none of with_more_
}

}  // namespace gust::transport
