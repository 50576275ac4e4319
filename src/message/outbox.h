// Messages to other packs that nobody waits for: kept in order and sent by a thread of their own, because writing to a
// connection takes as long as the network does.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "message/buffer.h"
#include "message/mailbox.h"
#include "message/signal.h"

namespace gust::message {

/// One for each pack; its thread is started with the first message. Messages from one worker to another leave in the
/// order in which they came; one that may not leave yet holds up no others. They leave one at a time.
class Outbox {
 public:
  struct Item {
    std::shared_ptr<StartedSend> send;
    Buffer data;
    SteadyTime deadline;
    bool withdrawn = false;
  };
  /// Tries to send, on the outbox's thread. Nothing for "not yet".
  using Attempt = std::function<std::optional<Result<void>>(const Item&)>;

  /// `bell` is rung when what could not be sent may be sent now; both must outlive the outbox.
  Outbox(Signal& bell, Attempt attempt) : bell_(bell), attempt_(std::move(attempt)) {}
  /// Waits until everything is sent, or cannot be.
  ~Outbox() { finish(); }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void post(Item item);
  /// Something of this worker (for `to`) has not left yet.
  [[nodiscard]] bool holds(WorkerId from, std::optional<WorkerId> to);
  /// Does not send what of this worker has not begun to leave.
  void withdraw(WorkerId from);
  void finish();

  /// News: something has left, or could not.
  Signal left;

 private:
  void run();
  bool pass();
  void forget(const StartedSend& send) GUST_REQUIRES(mutex_);

  Signal& bell_;
  const Attempt attempt_;
  Mutex mutex_;
  std::list<Item> items_ GUST_GUARDED_BY(mutex_);                                     // only the thread removes
  std::map<WorkerId, std::map<WorkerId, std::size_t>> held_ GUST_GUARDED_BY(mutex_);  // how many, by sender, receiver
  bool ending_ GUST_GUARDED_BY(mutex_) = false;
  std::thread thread_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::message
