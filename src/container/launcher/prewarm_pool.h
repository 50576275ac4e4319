// The containers that were made before anybody needed them, and when to make another one.
//
// One is made at a time, and only when no container was started for a moment: a flare's start does not compete with the
// replacement of what the last one took.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <sys/types.h>

#include "base/fd.h"
#include "container/launcher/frames.h"

namespace gust::container {

/// In place of a driver's id, for a container that nobody has claimed.
inline constexpr std::uint64_t kUnclaimed = std::uint64_t{1} << 63;

struct Prewarm {
  std::uint32_t containers = 0;  ///< ready at once
  std::uint32_t threads = 0;     ///< made ahead in each
};

class PrewarmPool {
 public:
  using Clock = std::chrono::steady_clock;

  struct Entry {
    pid_t process = 0;
    UniqueFd socket;       ///< to gust-pack (pack/prewarm.h)
    UniqueFd tmp_context;  ///< of a sandbox: resize_tmp()
  };

  explicit PrewarmPool(const Prewarm& prewarm) : prewarm_(prewarm) {}

  [[nodiscard]] const Prewarm& wanted() const { return prewarm_; }
  [[nodiscard]] std::uint32_t ready() const { return static_cast<std::uint32_t>(ready_.size()); }

  /// Milliseconds until it is time to make one, as poll(2) takes them: -1 when there is nothing to make.
  [[nodiscard]] int wait_ms() const;
  /// Containers are being started: not now.
  void hold_off();
  /// It went wrong: not soon.
  void back_off();

  /// One was created, and will say so when it is ready.
  void add(Entry entry) { coming_ = std::move(entry); }
  /// Of the one that is not ready yet; -1 when there is none.
  [[nodiscard]] int coming_fd() const { return coming_ ? coming_->socket.get() : -1; }
  /// When coming_fd() is readable: it is ready. Its process when it is not, for there is something wrong with it.
  std::optional<pid_t> welcome();
  /// The one that waits longest.
  std::optional<Entry> take();
  /// Its process has ended.
  void remove(pid_t process);

 private:
  Prewarm prewarm_;
  std::deque<Entry> ready_;
  std::optional<Entry> coming_;
  Clock::time_point not_before_{};
};

}  // namespace gust::container
