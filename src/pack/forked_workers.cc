#include "pack/forked_workers.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <utility>

#include "protocol/wire.h"

namespace gust::pack {

using protocol::FinishedMessage;
using protocol::StartedMessage;

namespace {

/// Larger than any packet that the runner sends.
constexpr std::size_t kMaxPacket = std::size_t{128} << 10;
/// Of an end, before the result.
constexpr std::size_t kEndBytes = 1 + 4 * sizeof(std::int64_t);

bool watch_input(int poller, int descriptor) {
  epoll_event event{.events = EPOLLIN, .data = {}};
  return ::epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool has_ended(int process) {
  pollfd entry{.fd = process, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

ForkedWorkers::ForkedWorkers(const protocol::StartMessage& start, Interpreter interpreter)
    : workers_(start.workers),
      interpreter_(std::move(interpreter)),
      poller_(::epoll_create1(EPOLL_CLOEXEC)),
      packet_(kMaxPacket),
      slots_(start.workers.count) {}

Result<std::unique_ptr<WorkerGroup>> ForkedWorkers::load(const protocol::StartMessage& start, Interpreter interpreter,
                                                         int invoker_socket) {
  GUST_TRY_VOID(interpreter.give(start));
  std::unique_ptr<ForkedWorkers> workers(new ForkedWorkers(start, std::move(interpreter)));
  GUST_TRY_VOID(workers->watch());
  GUST_TRY_VOID(workers->wait_until_loaded(invoker_socket));
  return workers;
}

Result<void> ForkedWorkers::watch() {
  if (poller_ && watch_input(poller_.get(), interpreter_.socket()) &&
      watch_input(poller_.get(), interpreter_.ended_fd())) {
    return {};
  }
  return fail_errno("watch the Python interpreter", errno);
}

Result<void> ForkedWorkers::wait_until_loaded(int invoker_socket) {
  while (!is_loaded_) {
    wait_for_events(*this, invoker_socket);
    if (failure_) return fail(ErrorCode::kInvalid, *failure_);
    if (death_ && !is_loaded_) return std::unexpected(describe_early_end());  // otherwise the report is run.cc's
  }
  return {};
}

Error ForkedWorkers::describe_early_end() const {
  const int status = death_->wait_status;
  const std::string how = WIFSIGNALED(status) ? std::string("was ended by SIG") + sigabbrev_np(WTERMSIG(status))
                                              : "exited with code " + std::to_string(WEXITSTATUS(status));
  return {ErrorCode::kInvalid,
          "the Python interpreter " + how + " while it loaded the code; the activation's log has what it said"};
}

void ForkedWorkers::take_events() {
  // Asked first: what is read afterwards is all that there is.
  const bool ended = !death_ && has_ended(interpreter_.ended_fd());
  while (take_packet()) {
  }
  if (!ended || death_ || failure_ || all_finished()) return;
  death_ = Death{.worker = std::nullopt, .wait_status = interpreter_.wait_status()};
}

bool ForkedWorkers::take_packet() {
  const ssize_t size = ::recv(interpreter_.socket(), packet_.data(), packet_.size(), MSG_DONTWAIT);
  if (size < 0) return errno == EINTR;
  if (size == 0) return false;
  take({packet_.data(), static_cast<std::size_t>(size)});
  return true;
}

// User code can write to the socket, too, but only harm itself: it is held to no more than to be within bounds.
void ForkedWorkers::take(std::string_view packet) {
  const char kind = packet.front();
  packet.remove_prefix(1);
  protocol::WireReader in(packet);
  if (kind == 'F') {
    if (!failure_) failure_ = packet;
  } else if (kind == 'L') {
    in.integer("loaded", loaded_.loaded_us);
    in.integer("peak memory", loaded_.peak_memory_bytes);
    is_loaded_ = in.good();
  } else {
    std::uint32_t worker = 0;
    in.integer("worker", worker);
    if (in.good() && workers_.contains(WorkerId(worker))) take_report(kind, worker, packet.substr(sizeof worker));
  }
}

void ForkedWorkers::take_report(char kind, std::uint32_t worker, std::string_view rest) {
  Slot& slot = slots_[worker - workers_.first.value()];
  protocol::WireReader in(rest);
  if (kind == 'S' && slot.state == State::kForked) {
    std::int64_t started_us = 0;
    in.integer("started", started_us);
    slot.state = State::kStarted;
    ++started_;
    start_reports_.push_back({.worker_id = worker, .started_us = started_us});
  } else if (kind == 'R' && slot.state == State::kStarted && slot.result.size() <= protocol::kMaxResultBytes) {
    slot.result += rest;
  } else if (kind == 'E' && slot.state == State::kStarted) {
    take_end(slot, worker, rest);
  } else if (kind == 'X' && slot.state != State::kFinished && !death_) {
    std::uint64_t status = 0;
    in.integer("status", status);
    death_ = Death{.worker = WorkerId(worker), .wait_status = static_cast<int>(status)};
  }
}

void ForkedWorkers::take_end(Slot& slot, std::uint32_t worker, std::string_view rest) {
  protocol::WorkerFinish finish;
  std::uint8_t ok = 0;
  protocol::WireReader in(rest);
  in.integer("ok", ok);
  in.integer("function started", finish.function_started_us);
  in.integer("function ended", finish.function_ended_us);
  in.integer("ended", finish.ended_us);
  in.integer("peak memory", finish.peak_memory_bytes);
  if (!in.good()) return;
  finish.worker_id = worker;
  finish.ok = ok == 1;
  finish.result = std::exchange(slot.result, {});
  finish.result += rest.substr(kEndBytes);
  slot.state = State::kFinished;
  ++finished_;
  finish_news_ = true;
  finish_reports_.add(std::move(finish));
}

StartedMessage ForkedWorkers::take_started() { return std::exchange(start_reports_, {}); }

FinishedMessage ForkedWorkers::take_finished(std::size_t max_bytes) {
  finish_news_ = false;
  return finish_reports_.take(max_bytes);
}

}  // namespace gust::pack
