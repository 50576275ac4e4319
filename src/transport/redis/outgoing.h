// The connection on which a pack appends frames to the other packs' queues.
//
// Whoever sends writes to the socket itself; a thread reads the answers. A frame is kept until its answer has come, and
// is written again on the next connection if it has not: small ones as a copy, so that nobody waits for them; large
// ones where they are, and their senders wait.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "message/transport.h"
#include "transport/redis/session.h"

namespace gust::transport::redis {

/// Thread-safe. The functions are those of message::Transport.
class Outgoing {
 public:
  Outgoing(Session& session, std::unique_ptr<Link> link);
  /// Waits for a short time for the answers that are still to come. After Session::end() it does not.
  ~Outgoing();
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  void start();
  Result<void> connect(PackId to, SteadyTime deadline);
  Result<void> send(PackId to, const message::FrameHeader& header, std::span<const message::Piece> pieces,
                    SteadyTime deadline);
  void stop();
  /// All calls fail with this from now on.
  void fail_all(const Error& why);
  /// Before the destructor: what has been sent arrives, or `deadline` passes.
  void flush(SteadyTime deadline);

 private:
  struct Entry {
    std::string before;
    std::span<const message::Piece> pieces;  // the sender's memory, while it waits
    std::string after;
    PackId to;
    int replies = 1;
    int replies_left = 1;
    bool tells_length = true;  // the last reply does
    bool waited = false;       // somebody waits for the answer
    bool done = false;
    bool abandoned = false;  // its sender waits no longer: not to be written again
    [[nodiscard]] std::size_t kept_bytes() const { return before.size() + after.size(); }
  };
  using EntryPtr = std::shared_ptr<Entry>;

  void run();
  Error read_answers(Link& link);
  bool take_answer(const Token& token);
  bool resume(std::unique_ptr<Link> link);
  Result<void> write(Entry& entry, SteadyTime deadline) GUST_REQUIRES(mutex_);
  Result<void> post(const EntryPtr& entry, SteadyTime deadline) GUST_REQUIRES(mutex_);
  Result<void> wait_answer(const EntryPtr& entry, SteadyTime deadline) GUST_REQUIRES(mutex_);
  Result<void> wait_connected(PackId to, SteadyTime deadline) GUST_REQUIRES(mutex_);
  Result<void> wait_room(PackId to, std::int64_t most, SteadyTime deadline) GUST_REQUIRES(mutex_);
  void keep_from_lasting() GUST_REQUIRES(mutex_);
  [[nodiscard]] std::optional<Error> failure() const GUST_REQUIRES(mutex_);
  [[nodiscard]] std::shared_ptr<Link> current();
  [[nodiscard]] std::unexpected<Error> timed_out(PackId to) const;

  Session& session_;
  const std::int64_t most_frames_;  // in a queue
  std::atomic<bool> stopped_ = false;
  Mutex link_mutex_;  // for stop(), which does not wait for one who writes
  std::shared_ptr<Link> link_ GUST_GUARDED_BY(link_mutex_);
  Mutex mutex_;   // held while a frame is written, so that frames are whole
  CondVar news_;  // connected, failed, an answer that is waited for, no answer missing
  CondVar room_;  // for more copies; apart, so that an answer does not wake all who send
  bool connected_ GUST_GUARDED_BY(mutex_) = true;
  std::optional<Error> failure_ GUST_GUARDED_BY(mutex_);
  std::deque<EntryPtr> unanswered_ GUST_GUARDED_BY(mutex_);
  std::size_t kept_bytes_ GUST_GUARDED_BY(mutex_) = 0;
  std::vector<std::int64_t> lengths_ GUST_GUARDED_BY(mutex_);  // of each pack's queue, as last heard
  std::set<PackId> lasting_ GUST_GUARDED_BY(mutex_);           // queues that may have no end of their lifetime
  SteadyTime keep_at_ GUST_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace gust::transport::redis
