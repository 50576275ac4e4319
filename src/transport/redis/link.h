// A connection to the server, and what all connections of a pack know of the server's life.
#pragma once

#include <chrono>
#include <hiredis/hiredis.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "message/buffer.h"
#include "transport/redis/address.h"
#include "transport/redis/replies.h"

namespace gust::transport::redis {

/// Keys that nobody removes, because controller and packs have died together, are gone after this.
inline constexpr std::chrono::seconds kKeyLifetime{24 * 60 * 60};

/// Whether the server still has what the flare's packs have put there. The first of them to come leaves a random text
/// in a key of the flare; a server that has it no longer, or that has started anew without a log of all that was
/// written, has lost frames too. Thread-safe.
class Life {
 public:
  explicit Life(std::string key) : key_(std::move(key)) {}

  /// On a new connection. kCancelled when the server has lost the flare's data; otherwise as of command().
  Result<void> check(redisContext& connection);
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] bool is(std::string_view text) const;

 private:
  const std::string key_;
  mutable Mutex mutex_;
  std::string text_ GUST_GUARDED_BY(mutex_);
  std::string run_id_ GUST_GUARDED_BY(mutex_);
};

/// Reading and writing may happen on two threads.
class Link {
 public:
  /// Connects, logs in, chooses the database. Blocks, at most some seconds. kUnavailable, kDenied, naming the server.
  static Result<std::unique_ptr<Link>> open(const Address& address);

  /// The connection as hiredis has it, for commands one by one; not after replies() was first used.
  [[nodiscard]] redisContext& context() { return *context_; }
  [[nodiscard]] Replies& replies() { return replies_; }

  /// kUnavailable when the connection has ended; kTimedOut, after which half of it may have been written.
  Result<void> write(std::span<const message::Piece> pieces, SteadyTime deadline);
  Result<void> write(std::string_view text, SteadyTime deadline);
  /// Ends all blocked calls. From any thread.
  void shut();

 private:
  struct Free {
    void operator()(redisContext* context) const { ::redisFree(context); }
  };
  explicit Link(std::unique_ptr<redisContext, Free> context);

  std::unique_ptr<redisContext, Free> context_;
  Replies replies_;
};

/// An error that the server answered: kUnavailable for one that may pass, kDenied for others.
Error refusal(std::string_view text);

/// One command on a fresh connection; its reply as text. Errors as of refusal(), kUnavailable.
Result<std::string> command(redisContext& connection, const std::vector<std::string>& words);

/// A word as it is written: its length, and itself.
void append_bulk(std::string& out, std::string_view word);
/// A command as it is written: *N, then each word as a bulk.
void append_command(std::string& out, std::span<const std::string_view> words);

}  // namespace gust::transport::redis
