#include "container/launcher/prewarm_pool.h"

#include <algorithm>
#include <sys/socket.h>
#include <utility>

namespace gust::container {
namespace {

/// Longer than a burst takes to start on a busy machine, shorter than anybody's next one is away. For an interpreter
/// longer: it takes as long to start as a hundred workers do, and those of Python take longer.
constexpr std::chrono::milliseconds kQuiet{250};
constexpr std::chrono::milliseconds kQuietForInterpreters{1000};
/// What fails will most likely fail again.
constexpr std::chrono::seconds kPause{5};

}  // namespace

int PrewarmPool::wait_ms() const {
  if (coming_ || ready_.size() >= prewarm_.containers + prewarm_.interpreters) return -1;
  const auto quiet = next().python == nullptr ? kQuiet : kQuietForInterpreters;
  const auto due = std::max(paused_until_, last_start_ + quiet);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

std::uint32_t PrewarmPool::count(bool interpreter) const {
  return static_cast<std::uint32_t>(std::ranges::count(ready_, interpreter, &Entry::has_interpreter));
}

pack::Prewarmed PrewarmPool::next() const {
  if (count(false) < prewarm_.containers) return {.threads = prewarm_.threads, .python = nullptr};
  return {.threads = 0, .python = prewarm_.python.c_str()};
}

void PrewarmPool::hold_off() { last_start_ = Clock::now(); }

void PrewarmPool::back_off() { paused_until_ = Clock::now() + kPause; }

std::optional<pid_t> PrewarmPool::welcome() {
  if (!coming_) return std::nullopt;
  Entry entry = *std::exchange(coming_, std::nullopt);
  char word = 0;
  if (recv(entry.socket.get(), &word, sizeof word, MSG_DONTWAIT) != sizeof word) return entry.process;
  ready_.push_back(std::move(entry));
  return std::nullopt;
}

std::optional<PrewarmPool::Entry> PrewarmPool::take(bool interpreter) {
  const bool special = interpreter && count(true) != 0;
  const auto found = std::ranges::find(ready_, special, &Entry::has_interpreter);
  if (found == ready_.end()) return std::nullopt;
  Entry entry = std::move(*found);
  ready_.erase(found);
  return entry;
}

void PrewarmPool::remove(pid_t process) {
  std::erase_if(ready_, [&](const Entry& entry) { return entry.process == process; });
  if (!coming_ || coming_->process != process) return;
  coming_.reset();
  back_off();
}

}  // namespace gust::container
