// What the two halves of a pack's transport share: the server, how to get back to it, and what happens when that fails.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "message/layout.h"
#include "transport/backend.h"
#include "transport/redis/address.h"
#include "transport/redis/link.h"
#include "transport/redis/queue.h"

namespace gust::transport::redis {

/// "gust:<flare id>:<pack>"
std::string queue_key(std::string_view flare_id, PackId pack);
/// "gust:<flare id>:life"
std::string life_key(std::string_view flare_id);

/// Thread-safe.
class Session {
 public:
  /// `lost` is called once, on any of the transport's threads, with why nothing more can be sent or received.
  Session(message::Layout layout, Address address, const BackendOptions& options, std::unique_ptr<Queue> queue,
          std::function<void(const Error&)> lost);

  /// The first connection, logged in. A server that is not there is waited for, but not long. Errors as of Link::open()
  /// and Life::check().
  Result<std::unique_ptr<Link>> open_first();
  /// After a connection has ended with `why`: a new one, tried for again and again, ever more rarely, for kGiveUp.
  /// Null when there will be none: lost() has been called, or end().
  std::unique_ptr<Link> reopen(Error why);
  void lose(const Error& why);
  /// No connection is made any more.
  void end();

  [[nodiscard]] const message::Layout& layout() const { return layout_; }
  [[nodiscard]] const Queue& queue() const { return *queue_; }
  [[nodiscard]] const Life& life() const { return life_; }
  [[nodiscard]] std::string key(PackId pack) const { return queue_key(flare_id_, pack); }
  [[nodiscard]] std::size_t chunk_bytes() const { return chunk_bytes_; }
  [[nodiscard]] const std::atomic<bool>& ending() const { return ending_; }

 private:
  Result<std::unique_ptr<Link>> open();
  bool pause(std::chrono::milliseconds duration);

  const message::Layout layout_;
  const Address address_;
  const std::string flare_id_;
  const std::size_t chunk_bytes_;
  const std::unique_ptr<Queue> queue_;
  const std::function<void(const Error&)> lost_;
  Life life_;
  std::atomic<bool> ending_ = false;
  Mutex mutex_;
  CondVar ended_;
  bool is_lost_ GUST_GUARDED_BY(mutex_) = false;
};

}  // namespace gust::transport::redis
