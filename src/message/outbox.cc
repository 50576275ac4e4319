#include "message/outbox.h"

#include <set>
#include <utility>

namespace gust::message {

namespace {

using namespace std::chrono_literals;

// A pack that has not begun to communicate may begin at any time, and nothing rings for it.
constexpr auto kTryAgainAfter = 20ms;

}  // namespace

void Outbox::post(Item item) {
  {
    const MutexLock lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    ++held_[item.send->from][item.send->to];
    items_.push_back(std::move(item));
  }
  bell_.notify();
}

bool Outbox::holds(WorkerId from, std::optional<WorkerId> to) {
  const MutexLock lock(mutex_);
  const auto found = held_.find(from);
  return found != held_.end() && (!to || found->second.contains(*to));
}

void Outbox::withdraw(WorkerId from) {
  {
    const MutexLock lock(mutex_);
    for (Item& item : items_) {
      if (item.send->from == from) item.withdrawn = true;
    }
  }
  bell_.notify();
}

void Outbox::finish() {
  std::thread thread;
  {
    const MutexLock lock(mutex_);
    ending_ = true;
    thread = std::move(thread_);
  }
  bell_.notify();
  if (thread.joinable()) thread.join();
}

void Outbox::forget(const StartedSend& send) {
  const auto from = held_.find(send.from);
  const auto to = from->second.find(send.to);
  if (--to->second == 0) from->second.erase(to);
  if (from->second.empty()) held_.erase(from);
}

// Tries each message once, unless one before it with the same way is still there.
bool Outbox::pass() {
  bool progress = false;
  std::set<std::pair<WorkerId, WorkerId>> held_up;
  std::list<Item>::iterator item;
  {
    const MutexLock lock(mutex_);
    item = items_.begin();
  }
  while (true) {
    std::optional<Result<void>> outcome;
    {
      const MutexLock lock(mutex_);
      if (item == items_.end()) return progress;
      if (item->withdrawn) outcome = fail(ErrorCode::kCancelled, "the sender has failed");
    }
    const std::pair way(item->send->from, item->send->to);
    if (!outcome && !held_up.contains(way)) outcome = attempt_(*item);
    if (!outcome) held_up.insert(way);
    std::optional<Item> gone;  // what it refers to ends without the lock
    {
      const MutexLock lock(mutex_);
      if (outcome) {
        gone = std::move(*item);
        forget(*gone->send);
      }
      item = outcome ? items_.erase(item) : std::next(item);
    }
    if (!gone) continue;
    progress = true;
    if (!*outcome) gone->send->error = outcome->error();
    gone->send->over.store(true, std::memory_order_release);
    left.notify();
  }
}

void Outbox::run() {
  while (true) {
    const std::uint32_t seen = bell_.epoch();
    const bool progress = pass();
    SteadyTime again = SteadyTime::max();
    {
      const MutexLock lock(mutex_);
      if (items_.empty() && ending_) return;
      if (!items_.empty()) again = std::chrono::steady_clock::now() + kTryAgainAfter;
    }
    if (!progress) bell_.wait(seen, again);
  }
}

}  // namespace gust::message
