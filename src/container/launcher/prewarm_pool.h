// The containers that were made before anybody needed them, and when to make another one.
//
// One is made at a time, and only when no container was started for a moment: a flare's start does not compete with the
// replacement of what the last one took.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>

#include "base/fd.h"
#include "container/launcher/frames.h"
#include "pack/prewarm.h"

namespace gust::container {

/// In place of a driver's id, for a container that nobody has claimed.
inline constexpr std::uint64_t kUnclaimed = std::uint64_t{1} << 63;

struct Prewarm {
  std::uint32_t containers = 0;    ///< ready at once
  std::uint32_t threads = 0;       ///< made ahead in each
  std::uint32_t interpreters = 0;  ///< further containers, each with a Python interpreter
  std::string python{};            ///< folder of that Python, as pack::Prewarmed has it
};

class PrewarmPool {
 public:
  using Clock = std::chrono::steady_clock;

  struct Entry {
    pid_t process = 0;
    UniqueFd socket;       ///< to gust-pack (pack/prewarm.h)
    UniqueFd tmp_context;  ///< of a sandbox: resize_tmp()
    bool has_interpreter = false;
  };

  explicit PrewarmPool(Prewarm prewarm) : prewarm_(std::move(prewarm)) {}

  /// What the one to be made next is to have.
  [[nodiscard]] pack::Prewarmed next() const;
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
  /// The one that waits longest. With `interpreter` one that has one, if there is one; otherwise none of those.
  std::optional<Entry> take(bool interpreter);
  /// Its process has ended.
  void remove(pid_t process);

 private:
  [[nodiscard]] std::uint32_t count(bool interpreter) const;

  Prewarm prewarm_;
  std::deque<Entry> ready_;
  std::optional<Entry> coming_;
  Clock::time_point last_start_{};
  Clock::time_point paused_until_{};
};

}  // namespace gust::container
