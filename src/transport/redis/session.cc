#include "transport/redis/session.h"

#include <algorithm>
#include <utility>

namespace gust::transport::redis {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A server that has been away for so long is not expected back: workers that wait without a time limit of their own
// are to hear of it.
constexpr auto kGiveUp = 30s;
// One that is not there at first is named wrongly, more likely than not.
constexpr auto kFirstPatience = 1s;
constexpr auto kFirstPause = 10ms;
constexpr auto kLongestPause = 500ms;

bool may_pass(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimedOut;
}

}  // namespace

std::string queue_key(std::string_view flare_id, PackId pack) {
  return name_prefix(flare_id) + std::to_string(pack.value());
}

std::string life_key(std::string_view flare_id) { return name_prefix(flare_id) + "life"; }

Session::Session(message::Layout layout, Address address, const BackendOptions& options, std::unique_ptr<Queue> queue,
                 std::function<void(const Error&)> lost)
    : layout_(std::move(layout)),
      address_(std::move(address)),
      flare_id_(options.flare_id),
      chunk_bytes_(options.chunk_bytes),
      queue_(std::move(queue)),
      lost_(std::move(lost)),
      life_(life_key(flare_id_)) {}

Result<std::unique_ptr<Link>> Session::open() {
  auto link = GUST_TRY(Link::open(address_));
  GUST_TRY_VOID(life_.check(link->context()));
  return link;
}

Result<std::unique_ptr<Link>> Session::open_first() {
  const SteadyTime give_up = Clock::now() + kFirstPatience;
  while (true) {
    auto link = open();
    if (link || !may_pass(link.error()) || Clock::now() >= give_up || !pause(kFirstPause)) return link;
  }
}

std::unique_ptr<Link> Session::reopen(Error why) {
  const SteadyTime give_up = Clock::now() + kGiveUp;
  std::chrono::milliseconds duration = kFirstPause;
  while (may_pass(why)) {
    if (!pause(duration)) return nullptr;
    auto link = open();
    if (link) return std::move(*link);
    why = link.error();
    if (Clock::now() >= give_up) break;
    duration = std::min<std::chrono::milliseconds>(2 * duration, kLongestPause);
  }
  lose(why);
  return nullptr;
}

void Session::lose(const Error& why) {
  {
    const MutexLock lock(mutex_);
    if (is_lost_ || ending_) return;
    is_lost_ = true;
  }
  lost_({ErrorCode::kUnavailable, "the Redis server " + address_.text() + ": " + why.message});
}

void Session::end() {
  const MutexLock lock(mutex_);
  ending_ = true;
  ended_.notify_all();
}

bool Session::pause(std::chrono::milliseconds duration) {
  const SteadyTime until = Clock::now() + duration;
  const MutexLock lock(mutex_);
  while (!ending_ && !is_lost_ && Clock::now() < until) ended_.wait_until(mutex_, until);
  return !ending_ && !is_lost_;
}

}  // namespace gust::transport::redis
