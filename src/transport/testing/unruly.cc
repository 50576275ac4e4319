#include "transport/testing/unruly.h"

#include <deque>
#include <random>
#include <utility>

#include "base/mutex.h"
#include "transport/in_process/in_process.h"

namespace gust::transport::testing {

namespace {

using message::FrameHeader;
using message::Piece;

// Frames that have arrived, kept so that stale ones can come again.
constexpr std::size_t kStale = 16;

class Unruly final : public message::Transport {
 public:
  Unruly(std::unique_ptr<message::Transport> inner, std::uint32_t seed)
      : inner_(std::move(inner)), random_(seed), thread_([this] { run(); }) {}

  ~Unruly() override {
    {
      const MutexLock lock(mutex_);
      ending_ = true;
      news_.notify_all();
    }
    thread_.join();
  }

  Result<void> connect(PackId to, SteadyTime deadline) override { return inner_->connect(to, deadline); }

  Result<void> send(PackId to, const FrameHeader& header, std::span<const Piece> pieces,
                    SteadyTime /*deadline*/) override {
    Frame frame{to, header, {}};
    for (const Piece& piece : pieces) frame.payload.insert(frame.payload.end(), piece.begin(), piece.end());
    const MutexLock lock(mutex_);
    if (stopped_) return fail(ErrorCode::kUnavailable, "the transport was stopped");
    held_.push_back(std::move(frame));
    news_.notify_all();
    return {};
  }

  void stop() override {
    inner_->stop();
    const MutexLock lock(mutex_);
    stopped_ = true;
    held_.clear();
    news_.notify_all();
  }

 private:
  struct Frame {
    PackId to;
    FrameHeader header;
    std::vector<std::byte> payload;
  };

  // Any of those that wait; after it, now and then, one that has arrived before.
  void run() {
    std::vector<Frame> stale;
    while (auto frame = take_any()) {
      deliver(*frame);
      stale.push_back(std::move(*frame));
      if (random_() % 3 == 0) deliver(stale[random_() % stale.size()]);
      if (stale.size() > kStale) stale.erase(stale.begin() + static_cast<std::ptrdiff_t>(random_() % stale.size()));
    }
  }

  std::optional<Frame> take_any() {
    const MutexLock lock(mutex_);
    while (held_.empty()) {
      if (ending_ || stopped_) return std::nullopt;
      news_.wait(mutex_);
    }
    // The last one takes its place: there is no order that would have to be kept.
    std::swap(held_[random_() % held_.size()], held_.back());
    Frame frame = std::move(held_.back());
    held_.pop_back();
    return frame;
  }

  void deliver(const Frame& frame) {
    const Piece piece = frame.payload;
    // A pack that is gone needs nothing.
    static_cast<void>(inner_->send(frame.to, frame.header, {&piece, 1}, SteadyTime::max()));
  }

  const std::unique_ptr<message::Transport> inner_;
  std::mt19937 random_;  // the thread's own
  Mutex mutex_;
  CondVar news_;
  std::deque<Frame> held_ GUST_GUARDED_BY(mutex_);
  bool stopped_ GUST_GUARDED_BY(mutex_) = false;
  bool ending_ GUST_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class UnrulyNetwork final : public Network {
 public:
  message::TransportFactory factory(const message::Layout& layout) override {
    return [inner = network_.factory(layout.self()),
            seed = layout.self().value()](message::FrameSink& sink) -> Result<std::unique_ptr<message::Transport>> {
      return std::make_unique<Unruly>(GUST_TRY(inner(sink)), seed);
    };
  }

 private:
  InProcessNetwork network_;
};

}  // namespace

std::unique_ptr<Network> unruly_network() { return std::make_unique<UnrulyNetwork>(); }

}  // namespace gust::transport::testing
