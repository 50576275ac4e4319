#include "worker/request.h"

namespace gust::worker {

namespace {

Error taken_before() { return {ErrorCode::kInvalid, "what this call has given was taken before; wait for it once"}; }

}  // namespace

Result<Given> SendRequest::wait(SteadyTime deadline) {
  GUST_TRY_VOID(hub_.wait(*send_, deadline));
  return Given();
}

Result<Given> ReceiveRequest::wait(SteadyTime deadline) {
  if (over_) return std::unexpected(*over_);
  auto received = hub_.wait(*receive_, deadline);
  if (!received) {
    if (received.error().code != ErrorCode::kTimedOut) over_ = received.error();
    return std::unexpected(received.error());
  }
  over_ = taken_before();
  Given given{.buffers = {}, .sender = received->from.value()};
  given.buffers.push_back(std::move(received->data));
  return given;
}

void StartedCollective::finish(Result<Given> result) {
  {
    const MutexLock lock(mutex);
    outcome = std::move(result);
  }
  over.notify();
}

bool CollectiveRequest::ready() {
  const MutexLock lock(started_->mutex);
  return started_->outcome.has_value();
}

Result<Given> CollectiveRequest::wait(SteadyTime deadline) {
  while (true) {
    const std::uint32_t seen = started_->over.epoch();
    {
      const MutexLock lock(started_->mutex);
      auto& outcome = started_->outcome;
      if (outcome && *outcome) return *std::exchange(outcome, Result<Given>(std::unexpected(taken_before())));
      if (outcome) return *outcome;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(ErrorCode::kTimedOut, "timed out: " + started_->waits_for());
    }
    started_->over.wait(seen, deadline);
  }
}

}  // namespace gust::worker
