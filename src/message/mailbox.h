// What has been sent to one worker and not been received.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "message/buffer.h"
#include "message/signal.h"

namespace gust::message {

/// What one message counts against the limits on unreceived bytes, beside its payload: about the memory that keeping it
/// takes, so that very many empty messages are bounded, too.
inline constexpr std::size_t kMessageOverhead = 128;

struct Received {
  WorkerId from;
  Buffer data;
  bool counted = false;  ///< as taken, against the limit between packs: it was given to somebody who gave it back
};

/// A message that its sender does not wait for. Others complete it: `error` is written before `over`.
struct StartedSend {
  StartedSend(WorkerId sender, WorkerId receiver) : from(sender), to(receiver) {}
  const WorkerId from;
  const WorkerId to;
  std::optional<Error> error;
  std::atomic<bool> over = false;
};

/// A message that its receiver does not wait for, yet. `message` and `posted` are its mailbox's.
struct StartedReceive {
  StartedReceive(WorkerId receiver, std::optional<WorkerId> sender) : self(receiver), from(sender) {}
  const WorkerId self;
  const std::optional<WorkerId> from;
  std::optional<Received> message;
  bool posted = false;
};

/// Thread-safe. Keeps the order of each sender's messages; taking from any gives the one that arrived first.
class Mailbox {
 public:
  /// True when a started receive has taken it.
  bool put(WorkerId from, Buffer data);
  /// Like put(), but refuses (and leaves `data` alone) when the mailbox holds more than `limit` bytes, something of
  /// this sender's is among them, and nobody waits for it.
  bool offer(WorkerId from, Buffer& data, std::size_t limit);
  /// Like put(), also over the limit: `send` is then over when the message has been taken, and at once otherwise.
  void push(const std::shared_ptr<StartedSend>& send, Buffer data, std::size_t limit);
  [[nodiscard]] std::optional<Received> take(std::optional<WorkerId> from);

  /// Started receives get messages before those who wait in take(), and in the order in which they were started.
  /// True when a message is there already.
  bool post(const std::shared_ptr<StartedReceive>& receive);
  [[nodiscard]] bool has_message(const StartedReceive& receive);
  [[nodiscard]] bool is_posted(const StartedReceive& receive);
  [[nodiscard]] std::optional<Received> collect(StartedReceive& receive);
  /// Ends it. The message that it has got becomes the next one of its sender again.
  void withdraw(StartedReceive& receive);

  /// Marks that somebody waits for messages of `from`, so that offer() lets them in.
  void begin_wait(std::optional<WorkerId> from);
  void end_wait(std::optional<WorkerId> from);

  /// News for receivers: something was put.
  Signal arrived;
  /// News for senders: something was taken, or somebody began to wait.
  Signal taken;

 private:
  struct Entry {
    WorkerId from;
    Buffer data;
    bool counted = false;
    std::shared_ptr<StartedSend> send;
  };
  struct Source {
    std::deque<std::list<Entry>::iterator> entries;
    std::uint32_t waiting = 0;
  };

  bool is_full_for(WorkerId from, std::size_t bytes, std::size_t limit) GUST_REQUIRES(mutex_);
  bool append(Entry entry) GUST_REQUIRES(mutex_);
  std::optional<Received> take_locked(std::optional<WorkerId> from) GUST_REQUIRES(mutex_);
  void count_waiting(std::optional<WorkerId> from, int change) GUST_REQUIRES(mutex_);

  Mutex mutex_;
  std::list<Entry> entries_ GUST_GUARDED_BY(mutex_);  // by arrival
  std::unordered_map<std::uint32_t, Source> sources_ GUST_GUARDED_BY(mutex_);
  std::list<std::shared_ptr<StartedReceive>> posted_ GUST_GUARDED_BY(mutex_);
  std::size_t bytes_ GUST_GUARDED_BY(mutex_) = 0;
  std::uint32_t waiting_for_any_ GUST_GUARDED_BY(mutex_) = 0;
};

}  // namespace gust::message
