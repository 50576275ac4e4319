#include "store/sqlite/writer.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

namespace gust::store {

void Writer::start(std::vector<WriteSource*> sources) {
  sources_ = std::move(sources);
  thread_ = std::thread([this] { run(); });
}

void Writer::stop() {
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Writer::wake(Urgency urgency) {
  bool tell = false;
  {
    const MutexLock lock(mutex_);
    tell = !awake_ || (urgency == Urgency::kNow && !urgent_);
    if (!awake_) first_ = std::chrono::steady_clock::now();
    awake_ = true;
    urgent_ = urgent_ || urgency == Urgency::kNow;
  }
  if (tell) changed_.notify_one();
}

void Writer::when_written(std::move_only_function<void(Result<void>)> done) {
  {
    const MutexLock lock(mutex_);
    waiters_.push_back(std::move(done));
  }
  wake(Urgency::kNow);
}

void Writer::run() {
  SteadyTime not_before;
  Waiters waiters;
  for (bool more = true; more;) {
    more = wait_for_work(not_before, waiters);
    const Result<void> result = write_group();
    tell(result);
    for (auto& waiter : std::exchange(waiters, {})) waiter(result);
    not_before = result ? SteadyTime() : std::chrono::steady_clock::now() + kRetryTime;
    if (!result) wake(Urgency::kGroup);
  }
  if (failing_) spdlog::error("what could not be written is lost: the controller ends");
}

bool Writer::wait_for_work(SteadyTime not_before, Waiters& waiters) {
  const SteadyTime idle_end = std::chrono::steady_clock::now() + kIdleTime;
  const MutexLock lock(mutex_);
  for (;;) {
    if (stopping_) break;
    const SteadyTime now = std::chrono::steady_clock::now();
    // Who waits for an answer gets it, though the disk may be full again.
    const bool asked = !waiters_.empty();
    SteadyTime due = idle_end;
    if (awake_) due = asked ? now : std::max(not_before, urgent_ ? now : first_ + kGroupTime);
    if (now >= due) break;
    changed_.wait_until(mutex_, due);
  }
  awake_ = urgent_ = false;
  waiters = std::exchange(waiters_, {});
  return !stopping_;
}

Result<void> Writer::write_group() {
  GUST_TRY_VOID(database_.run("BEGIN IMMEDIATE"));
  for (WriteSource* source : sources_) {
    if (auto result = source->write(database_); !result) {
      (void)database_.run("ROLLBACK");
      return result;
    }
  }
  if (auto result = database_.run("COMMIT"); !result) {
    (void)database_.run("ROLLBACK");
    return result;
  }
  for (WriteSource* source : sources_) source->written();
  return {};
}

void Writer::tell(const Result<void>& result) {
  if (result.has_value() != failing_) return;
  failing_ = !result;
  if (failing_) {
    spdlog::error("the state cannot be written, and is kept in memory until it can: {}", result.error().message);
  } else {
    spdlog::warn("the state can be written again");
  }
}

}  // namespace gust::store
