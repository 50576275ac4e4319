// What has been sent to one worker and not been received.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <unordered_map>

#include "base/ids.h"
#include "base/mutex.h"
#include "message/buffer.h"
#include "message/signal.h"

namespace gust::message {

/// What one message counts against the limits on unreceived bytes, beside its payload: about the memory that keeping it
/// takes, so that very many empty messages are bounded, too.
inline constexpr std::size_t kMessageOverhead = 128;

struct Received {
  WorkerId from;
  Buffer data;
};

/// Thread-safe. Keeps the order of each sender's messages; taking from any gives the one that arrived first.
class Mailbox {
 public:
  void put(WorkerId from, Buffer data);
  /// Like put(), but refuses (and leaves `data` alone) when the mailbox holds more than `limit` bytes, something of
  /// this sender's is among them, and nobody waits for it.
  bool offer(WorkerId from, Buffer& data, std::size_t limit);
  [[nodiscard]] std::optional<Received> take(std::optional<WorkerId> from);

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
  };
  struct Source {
    std::deque<std::list<Entry>::iterator> entries;
    std::uint32_t waiting = 0;
  };

  void append(WorkerId from, Buffer data) GUST_REQUIRES(mutex_);

  Mutex mutex_;
  std::list<Entry> entries_ GUST_GUARDED_BY(mutex_);  // by arrival
  std::unordered_map<std::uint32_t, Source> sources_ GUST_GUARDED_BY(mutex_);
  std::size_t bytes_ GUST_GUARDED_BY(mutex_) = 0;
  std::uint32_t waiting_for_any_ GUST_GUARDED_BY(mutex_) = 0;
};

}  // namespace gust::message
