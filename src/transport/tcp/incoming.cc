#include "transport/tcp/incoming.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <utility>

namespace gust::transport {

using message::FrameHeader;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Small frames are read many at a time; of larger ones the payload goes straight to its place.
constexpr std::size_t kStageBytes = 64 << 10;
constexpr std::size_t kDirectBytes = 16 << 10;
// How much is read of one connection before others have their turn.
constexpr int kReadsATurn = 16;
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

  /// False when the connection is to be closed.
  bool read() {
    const Result<bool> going_on = read_some();
    if (going_on && *going_on) return true;
    if (from_) {
      owner_.sink_.peer_lost(*from_,
                             going_on ? Error{ErrorCode::kUnavailable, "its connection was closed"} : going_on.error());
    }
    return false;
  }

 private:
  Result<bool> read_some() {
    for (int i = 0; i < kReadsATurn; ++i) {
      const bool direct = place_ != nullptr && payload_left_ >= kDirectBytes;
      std::byte* to = direct ? place_ : stage_.data() + staged_;
      const std::size_t room = direct ? payload_left_ : stage_.size() - staged_;
      const ssize_t got = ::recv(socket_.get(), to, room, 0);
      if (got == 0) return false;
      if (got < 0) {
        if (errno == EAGAIN) return true;
        if (errno == EINTR) continue;
        return fail(ErrorCode::kUnavailable, std::string("its connection was lost: ") + std::strerror(errno));
      }
      const auto size = static_cast<std::size_t>(got);
      if (direct) {
        GUST_TRY_VOID(took_payload(size));
      } else {
        staged_ += size;
        GUST_TRY_VOID(take_staged());
        if (!from_ && staged_ >= sizeof(Hello)) return false;  // a stranger
      }
      if (size < room) return true;
    }
    return true;
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
        from_ = PackId(hello.from_pack);
        at += sizeof hello;
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
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 1000);
    for (int i = 0; i < count && !ending_; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (const auto found = connections_.find(fd); found != connections_.end()) {
        if (!found->second->read()) connections_.erase(found);
      } else if (fd != wake_.get()) {
        accept(fd);
      }
    }
    if (count == 0) close_silent();
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
  std::erase_if(connections_, [](const auto& entry) { return entry.second->is_silent(); });
}

}  // namespace gust::transport
