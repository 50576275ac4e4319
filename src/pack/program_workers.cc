#include "pack/program_workers.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <utility>

#include "base/clock.h"
#include "pack/json_array.h"
#include "pack/own_memory.h"
#include "pack/program_request.h"

namespace gust::pack {

namespace {

/// Of all workers together: what an invoker takes of a pack, and some room for the array around it.
constexpr std::size_t kMaxAnswerBytes = (std::size_t{128} << 20) + (std::size_t{1} << 20);
constexpr std::size_t kLongestShown = 100;
constexpr std::string_view kSpace = " \t\r";
constexpr const char* kAck = "OW_WAIT_FOR_ACK";

/// From now on programs find it in the environment under the name by which OpenWhisk's launchers look for it, too.
bool wants_ack() {
  const char* value = std::getenv(kAck);
  if (value == nullptr || *value == '\0') return false;
  ::setenv("__OW_WAIT_FOR_ACK", value, 1);
  return true;
}

std::string shown(std::string_view line) {
  return "'" + std::string(line.substr(0, kLongestShown)) + (line.size() > kLongestShown ? "…'" : "'");
}

std::string without_space(std::string_view line) {
  std::string text;
  for (const char c : line) {
    if (kSpace.find(c) == std::string_view::npos) text += c;
  }
  return text;
}

}  // namespace

ProgramWorkers::ProgramWorkers(const protocol::StartMessage& start, Program program, bool awaits_ack)
    : workers_(start.workers),
      is_single_(start.is_single),
      program_(std::move(program)),
      poller_(::epoll_create1(EPOLL_CLOEXEC)),
      request_(program_request(start)),
      awaiting_ack_(awaits_ack) {}

Result<std::unique_ptr<WorkerGroup>> ProgramWorkers::load(const protocol::StartMessage& start, int invoker_socket) {
  const bool ack = wants_ack();
  std::unique_ptr<ProgramWorkers> workers(new ProgramWorkers(start, GUST_TRY(Program::start(start.code_path)), ack));
  GUST_TRY_VOID(workers->watch());
  GUST_TRY_VOID(workers->wait_for_ack(invoker_socket));
  workers->loaded_.loaded_us = to_micros(wall_now());
  workers->loaded_.peak_memory_bytes = peak_memory_bytes();
  workers->started_us_ = to_micros(wall_now());
  for (std::uint32_t worker = start.workers.first.value(); worker < start.workers.end(); ++worker) {
    workers->start_reports_.push_back({.worker_id = worker, .started_us = workers->started_us_});
  }
  workers->write_request();
  return workers;
}

Result<void> ProgramWorkers::watch() {
  const auto add = [this](int descriptor, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = descriptor}};
    return ::epoll_ctl(poller_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
  };
  // The request is written when its pipe has room: by edges, or an empty pipe would never let this process sleep.
  if (poller_ && add(program_.answers(), EPOLLIN) && add(program_.ended_fd(), EPOLLIN) &&
      add(program_.requests(), EPOLLOUT | EPOLLET)) {
    return {};
  }
  return fail_errno("watch the executable", errno);
}

Result<void> ProgramWorkers::wait_for_ack(int invoker_socket) {
  while (awaiting_ack_) {
    wait_for_events(*this, invoker_socket);
    if (failure_) return fail(ErrorCode::kInvalid, *failure_);
    if (death_) return {};  // reported as every crash is
  }
  return {};
}

void ProgramWorkers::take_events() {
  std::array<epoll_event, 4> events;
  const int count = ::epoll_wait(poller_.get(), events.data(), events.size(), 0);
  bool ended = false;
  for (int i = 0; i < count; ++i) {
    if (events.at(static_cast<std::size_t>(i)).data.fd == program_.ended_fd()) ended = true;
  }
  // What it wrote before it ended is there.
  if (!answers_over_) read_answers();
  if (!awaiting_ack_) write_request();
  if (ended && !finished_ && !failure_ && !death_) take_end();
}

void ProgramWorkers::write_request() {
  while (written_ < request_.size()) {
    const ssize_t sent = ::write(program_.requests(), request_.data() + written_, request_.size() - written_);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) break;  // it does not want it; how it ends says the rest
    written_ += static_cast<std::size_t>(sent);
  }
  if (program_.requests() < 0) return;
  request_.clear();
  request_.shrink_to_fit();
  written_ = 0;
  program_.finish_requests();
}

void ProgramWorkers::read_answers() {
  std::array<char, 64 << 10> buffer;  // not initialised: only what arrived is looked at
  while (true) {
    const ssize_t got = ::read(program_.answers(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) break;
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      answer_ += bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      take_line(std::exchange(answer_, {}));
    }
    answer_ += bytes;
    if (answer_.size() > kMaxAnswerBytes && !failure_) {
      failure_ =
          "the executable's answer has more than 128 MB; write large results to storage and return where they are";
    }
    if (finished_ || failure_) return;
  }
  // Its end: a last line may lack its own.
  answers_over_ = true;
  ::epoll_ctl(poller_.get(), EPOLL_CTL_DEL, program_.answers(), nullptr);
  if (!answer_.empty() && !failure_) take_line(std::exchange(answer_, {}));
}

void ProgramWorkers::take_line(std::string_view line) {
  if (finished_ || failure_ || line.find_first_not_of(kSpace) == std::string_view::npos) return;
  awaiting_ack_ ? take_ack(line) : take_answer(line);
}

void ProgramWorkers::take_ack(std::string_view line) {
  if (without_space(line.substr(0, kLongestShown)) == R"({"ok":true})") {
    awaiting_ack_ = false;
  } else {
    failure_ = "the executable's first line on descriptor 3 is " + shown(line) + "; with " + kAck +
               R"( set it must be {"ok":true})";
  }
}

void ProgramWorkers::take_answer(std::string_view line) {
  const std::uint32_t first = workers_.first.value();
  if (is_single_) {
    const std::size_t begin = line.find_first_not_of(kSpace);
    if (line[begin] != '{' && line[begin] != '[') {
      failure_ = "the executable's answer is " + shown(line) + "; it must be a JSON object or array in one line";
      return;
    }
    add_result(first, line);
  } else {
    const auto entries = split_json_array(line);
    if (!entries) {
      failure_ = "the executable's answer is " + shown(line) +
                 "; it must be a JSON array in one line, with one entry for each worker of the pack";
      return;
    }
    if (entries->size() != workers_.count) {
      failure_ = "the executable's answer has " + std::to_string(entries->size()) + " entries; the pack has " +
                 std::to_string(workers_.count) + " workers, and each needs one";
      return;
    }
    for (std::uint32_t i = 0; i < workers_.count; ++i) add_result(first + i, (*entries)[i]);
  }
  finished_ = !failure_;
}

void ProgramWorkers::add_result(std::uint32_t worker, std::string_view result) {
  if (result.size() > protocol::kMaxResultBytes) {
    failure_ = "the result of worker " + std::to_string(worker) + " has " + std::to_string(result.size()) +
               " bytes; the limit is 16 MB: write it to storage and return where it is";
    return;
  }
  const std::int64_t now = to_micros(wall_now());
  finish_reports_.add({.worker_id = worker,
                       .ok = true,
                       .function_started_us = started_us_,
                       .function_ended_us = now,
                       .ended_us = now,
                       .peak_memory_bytes = peak_memory_bytes(),
                       .result = std::string(result)});
}

void ProgramWorkers::take_end() {
  const int status = program_.wait_status();
  if (WIFSIGNALED(status)) {
    death_ = Death{.worker = std::nullopt, .wait_status = status};
    return;
  }
  failure_ = "the executable ended with exit code " + std::to_string(WEXITSTATUS(status)) + " before it " +
             (awaiting_ack_ ? R"(wrote {"ok":true})" : "answered") +
             " on descriptor 3; the activation's log has what it said";
}

protocol::StartedMessage ProgramWorkers::take_started() { return std::exchange(start_reports_, {}); }

}  // namespace gust::pack
