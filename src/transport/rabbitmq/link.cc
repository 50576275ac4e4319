#include "transport/rabbitmq/link.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <sys/eventfd.h>
#include <utility>

namespace gust::transport::rabbitmq {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kFirstPause = 50ms;
constexpr auto kLongestPause = 1000ms;
constexpr auto kLeavePatience = 1s;

}  // namespace

Link::Link(const Address& address, std::string witness, Serve serve, Lost lost)
    : address_(address),
      witness_(std::move(witness)),
      serve_(std::move(serve)),
      lost_(std::move(lost)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Link::~Link() {
  if (!thread_.joinable()) return;
  ending_ = true;
  {
    const MutexLock lock(mutex_);
    news_.notify_all();  // ends a pause
  }
  wake();
  wait_for_end(Clock::now() + kLeavePatience);
  stop();
  thread_.join();
}

void Link::start(std::unique_ptr<Connection> first) {
  thread_ = std::thread([this, connection = std::move(first)]() mutable { run(std::move(connection)); });
}

void Link::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t woken = ::write(wake_.get(), &one, sizeof one);
}

void Link::stop() {
  ending_ = true;
  {
    const MutexLock lock(mutex_);
    if (connection_ != nullptr) connection_->cut();
    news_.notify_all();
  }
  wake();
}

bool Link::wait_for_end(SteadyTime deadline) {
  const MutexLock lock(mutex_);
  while (!ended_ && Clock::now() < deadline) news_.wait_until(mutex_, deadline);
  return ended_;
}

void Link::wait(const Connection& connection) {
  std::array<pollfd, 2> entries{pollfd{.fd = connection.socket(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  ::poll(entries.data(), entries.size(), 1000);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
}

void Link::pause(std::chrono::milliseconds time) {
  const SteadyTime until = Clock::now() + time;
  const MutexLock lock(mutex_);
  while (!ending_ && Clock::now() < until) news_.wait_until(mutex_, until);
}

void Link::run(std::unique_ptr<Connection> first) {
  std::unique_ptr<Connection> connection = std::move(first);
  while (true) {
    Result<void> served;
    if (!connection) {
      auto made = reconnect();
      if (made) {
        connection = std::move(*made);
      } else {
        served = std::unexpected(std::move(made).error());
      }
    }
    if (served) served = use(*connection);
    const bool try_again = connection && !served && served.error().code == ErrorCode::kUnavailable;
    connection.reset();
    if (try_again && !ending_) continue;
    if (!served && !ending_) lost_(served.error());
    break;
  }
  const MutexLock lock(mutex_);
  ended_ = true;
  news_.notify_all();
}

Result<void> Link::use(Connection& connection) {
  {
    const MutexLock lock(mutex_);
    connection_ = &connection;
  }
  // stop() has cut it, or sees it.
  Result<void> served = ending_ ? Result<void>() : serve_(connection);
  const MutexLock lock(mutex_);
  connection_ = nullptr;
  return served;
}

Result<std::unique_ptr<Connection>> Link::reconnect() {
  const SteadyTime give_up = Clock::now() + kServerPatience;
  std::chrono::milliseconds next_pause = kFirstPause;
  while (true) {
    auto connection = Connection::open(address_);
    if (connection) {
      auto is_there = (*connection)->declare(witness_, Declare::kCheck);
      if (is_there) return connection;
      if (is_there.error().code == ErrorCode::kNotFound) {
        return fail(ErrorCode::kNotFound,
                    address_.name() +
                        " has lost this flare's messages: it was started anew, or its queues were "
                        "deleted; invoke the flare again (with ?durable=true in the backend's URI flares "
                        "survive this)");
      }
      connection = std::unexpected(std::move(is_there).error());
    }
    if (ending_ || connection.error().code != ErrorCode::kUnavailable) return connection;
    if (Clock::now() >= give_up) {
      connection.error().message += "; tried again for " + std::to_string(kServerPatience.count()) + " s";
      return connection;
    }
    pause(next_pause);
    next_pause = std::min<std::chrono::milliseconds>(2 * next_pause, kLongestPause);
  }
}

}  // namespace gust::transport::rabbitmq
