// The workers of a pack as the life of the pack (run.cc) sees them, whatever they are: threads (workers.h), forked
// processes (forked_workers.h), one executable (program_workers.h) or servers (server/http_workers.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "message/counters.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

/// How a worker's process, or the one that all of them were forked from, has ended before its work was done.
struct Death {
  std::optional<WorkerId> worker;
  int wait_status = 0;
};

/// Asked on the pack's main thread only.
class WorkerGroup {
 public:
  virtual ~WorkerGroup() = default;

  /// The code is loaded. All but `entered_us`, which the group does not know.
  [[nodiscard]] virtual protocol::LoadedMessage loaded() const = 0;

  [[nodiscard]] virtual bool all_started() const = 0;
  [[nodiscard]] virtual bool all_finished() const = 0;
  /// Some worker has finished since take_finished() began last.
  [[nodiscard]] virtual bool has_finish_news() const = 0;

  /// Readable when there is news.
  [[nodiscard]] virtual int event_fd() const = 0;
  /// Takes notice of the news; never blocks.
  virtual void take_events() = 0;

  /// Those that have started and were not taken before.
  virtual protocol::StartedMessage take_started() = 0;
  /// Those whose start was taken, have finished and were not taken before, with about `max_bytes` of results at most;
  /// more_finished() tells whether some were left.
  virtual protocol::FinishedMessage take_finished(std::size_t max_bytes) = 0;
  [[nodiscard]] virtual bool more_finished() const = 0;

  /// A worker that will never finish, once there is one. Threads die with their process, and it speaks for itself
  /// (last_words.h).
  [[nodiscard]] virtual std::optional<Death> death() const { return std::nullopt; }
  /// Why the workers cannot all be started, if so: a sentence.
  [[nodiscard]] virtual std::optional<std::string> failure() const { return std::nullopt; }

  /// An address to announce, once, when workers begin to communicate.
  virtual std::optional<std::string> take_announcement() { return std::nullopt; }
  /// A message from the invoker. What a group that does not communicate is told of its peers is no news for it.
  virtual Result<void> obey(const protocol::Message& /*message*/) { return {}; }
  /// What the workers have sent each other.
  [[nodiscard]] virtual message::Traffic traffic() const { return {}; }
  /// All workers are reported; sends on its way what they have left behind.
  virtual void finish() {}
};

/// Waits until the group has events, and has it take them. Ends the process when `invoker_socket`, which is not read,
/// is closed: nobody wants this pack any more.
void wait_for_events(WorkerGroup& group, int invoker_socket);

}  // namespace gust::pack
