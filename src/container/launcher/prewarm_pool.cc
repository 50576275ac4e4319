#include "container/launcher/prewarm_pool.h"

#include <algorithm>
#include <sys/socket.h>
#include <utility>

namespace gust::container {
namespace {

/// Longer than a burst takes to start on a busy machine, shorter than anybody's next one is away.
constexpr std::chrono::milliseconds kQuiet{250};
/// What fails will most likely fail again.
constexpr std::chrono::seconds kPause{5};

}  // namespace

int PrewarmPool::wait_ms() const {
  if (coming_ || ready_.size() >= prewarm_.containers) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(not_before_ - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

void PrewarmPool::hold_off() {
  if (prewarm_.containers != 0) not_before_ = std::max(not_before_, Clock::now() + kQuiet);
}

void PrewarmPool::back_off() { not_before_ = Clock::now() + kPause; }

std::optional<pid_t> PrewarmPool::welcome() {
  if (!coming_) return std::nullopt;
  Entry entry = *std::exchange(coming_, std::nullopt);
  char word = 0;
  if (recv(entry.socket.get(), &word, sizeof word, MSG_DONTWAIT) != sizeof word) return entry.process;
  ready_.push_back(std::move(entry));
  return std::nullopt;
}

std::optional<PrewarmPool::Entry> PrewarmPool::take() {
  if (ready_.empty()) return std::nullopt;
  Entry entry = std::move(ready_.front());
  ready_.pop_front();
  return entry;
}

void PrewarmPool::remove(pid_t process) {
  std::erase_if(ready_, [&](const Entry& entry) { return entry.process == process; });
  if (!coming_ || coming_->process != process) return;
  coming_.reset();
  back_off();
}

}  // namespace gust::container
