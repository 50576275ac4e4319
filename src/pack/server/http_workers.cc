#include "pack/server/http_workers.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <utility>

#include "pack/own_memory.h"
#include "pack/server/server_request.h"

namespace gust::pack {

using namespace std::chrono_literals;

namespace {

/// The contract has servers end the log of each activation with a line of their own; of one that does not, what it
/// writes within this time belongs to the activation.
constexpr auto kLogTime = 500ms;
/// For a server that closes its connection because it ends.
constexpr auto kEndTime = 200ms;
constexpr std::size_t kLongestShown = 1000;
constexpr std::string_view kSpace = " \t\r\n";

std::string shown(std::string_view text) {
  if (const std::size_t begin = text.find_first_not_of(kSpace); begin != text.npos) text.remove_prefix(begin);
  return std::string(text.substr(0, kLongestShown)) + (text.size() > kLongestShown ? "…" : "");
}

Result<std::string> read_code(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return fail_errno("open " + path, errno);
  std::string code(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t at = 0; at < code.size();) {
    const ssize_t got = ::read(file.get(), code.data() + at, code.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno("read " + path, got == 0 ? EIO : errno);
    at += static_cast<std::size_t>(got);
  }
  return code;
}

std::string describe_end(int status) {
  return WIFSIGNALED(status) ? std::string("was ended by SIG") + sigabbrev_np(WTERMSIG(status))
                             : "exited with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

HttpWorkers::Server::Server(ServerProcess server_process, UniqueFd standard_output, UniqueFd standard_error,
                            const std::string& mark)
    : process(std::move(server_process)),
      output(std::move(standard_output), STDOUT_FILENO, mark),
      error(std::move(standard_error), STDERR_FILENO, mark) {}

HttpWorkers::HttpWorkers(const protocol::StartMessage& start)
    : start_(start),
      poller_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

Result<std::unique_ptr<WorkerGroup>> HttpWorkers::load(const protocol::StartMessage& start, int invoker_socket) {
  const std::string code = GUST_TRY(read_code(start.code_path));
  std::unique_ptr<HttpWorkers> workers(new HttpWorkers(start));
  workers->init_ = std::make_shared<const std::string>(init_request(start, code));
  GUST_TRY_VOID(workers->start_servers());
  GUST_TRY_VOID(workers->wait_until_ready(invoker_socket));
  workers->init_.reset();
  workers->loaded_.loaded_us = to_micros(wall_now());
  workers->loaded_.peak_memory_bytes = peak_memory_bytes();
  workers->run_all();
  return workers;
}

Result<void> HttpWorkers::start_servers() {
  const std::vector<std::string> command = server_command();
  if (command.empty()) {
    return fail(
        ErrorCode::kInvalid,
        "there is no server to start: the image has no command of its own; say one in the setting runtimes, such "
        "as NAME=image:NAME,http:/bin/proxy");
  }
  if (!watch(timer_.get(), EPOLLIN, 0, Source::kTimer)) return fail_errno("watch a timer", errno);
  servers_.reserve(start_.workers.count);
  for (std::uint32_t i = 0; i < start_.workers.count; ++i) {
    const std::uint32_t worker = start_.workers.first.value() + i;
    const std::string mark = start_.burst_size > 1 ? "[worker " + std::to_string(worker) + "] " : "";
    ServerProcess process = GUST_TRY(ServerProcess::start(command));
    UniqueFd output = process.take_standard_output();
    UniqueFd error = process.take_standard_error();
    Server& server = servers_.emplace_back(std::move(process), std::move(output), std::move(error), mark);
    server.finish.worker_id = worker;
    if (!watch(server.process.port().calls_fd(), EPOLLIN, i, Source::kPort) ||
        !watch(server.process.ended_fd(), EPOLLIN, i, Source::kEnd) ||
        !watch(server.output.fd(), EPOLLIN, i, Source::kOutput) ||
        !watch(server.error.fd(), EPOLLIN, i, Source::kError)) {
      return fail_errno("watch the action's server", errno);
    }
  }
  return {};
}

Result<void> HttpWorkers::wait_until_ready(int invoker_socket) {
  while (ready_ < servers_.size()) {
    wait_for_events(*this, invoker_socket);
    if (failure_) return fail(ErrorCode::kInvalid, *failure_);
  }
  return {};
}

void HttpWorkers::run_all() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    Server& server = servers_[i];
    server.finish.function_started_us = to_micros(wall_now());
    start_reports_.push_back({.worker_id = server.finish.worker_id, .started_us = server.finish.function_started_us});
    server.output.begin_activation();
    server.error.begin_activation();
    server.phase = Phase::kRunning;
    ask(i, "/run", std::make_shared<const std::string>(run_request(start_, static_cast<std::uint32_t>(i))));
  }
}

bool HttpWorkers::watch(int descriptor, std::uint32_t events, std::size_t server, Source source) {
  epoll_event event{.events = events, .data = {.u64 = server << 8 | std::to_underlying(source)}};
  return ::epoll_ctl(poller_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void HttpWorkers::unwatch(int descriptor) { ::epoll_ctl(poller_.get(), EPOLL_CTL_DEL, descriptor, nullptr); }

void HttpWorkers::take_events() {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(poller_.get(), events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t data = events.at(static_cast<std::size_t>(i)).data.u64;
    take_event(data >> 8, static_cast<Source>(data & 0xff));
  }
}

void HttpWorkers::take_event(std::size_t index, Source source) {
  if (source == Source::kTimer) return take_time();
  Server& server = servers_[index];
  switch (source) {
    case Source::kPort: return take_bind(index);
    case Source::kExchange:
      // The event may be of one that is over by now.
      if (server.exchange && server.exchange->proceed()) take_answer(index);
      return;
    case Source::kOutput:
    case Source::kError: {
      ServerOutput& stream = source == Source::kOutput ? server.output : server.error;
      if (!stream.read()) unwatch(stream.fd());
      return finish_if_over(server);
    }
    case Source::kEnd: return take_end(index);
    case Source::kTimer: return;
  }
}

void HttpWorkers::take_bind(std::size_t index) {
  Server& server = servers_[index];
  pollfd entry{.fd = server.process.port().calls_fd(), .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, 0) != 1) return;
  if ((entry.revents & POLLIN) == 0) return unwatch(entry.fd);  // no process is left that could call
  server.process.port().take_call();
  if (server.phase != Phase::kStarting || !server.process.port().is_bound()) return;
  server.phase = Phase::kIniting;
  ask(index, "/init", init_);
}

void HttpWorkers::ask(std::size_t index, std::string_view path, std::shared_ptr<const std::string> body) {
  Server& server = servers_[index];
  auto connection = server.process.port().connect();
  if (!connection) {
    failure_ = connection.error().message;
    return;
  }
  // What else an answer holds beside its body is the parser's to limit.
  server.exchange =
      std::make_unique<HttpExchange>(*std::move(connection), path, std::move(body), protocol::kMaxResultBytes);
  if (!watch(server.exchange->fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, index, Source::kExchange)) {
    failure_ = "the connection to the action's server cannot be watched";
  }
}

void HttpWorkers::take_answer(std::size_t index) {
  Server& server = servers_[index];
  Result<HttpAnswer> answer = server.exchange->answer();
  server.exchange.reset();  // which closes it, and so ends the watch
  const bool is_run = server.phase == Phase::kRunning;
  if (!answer && answer.error().code == ErrorCode::kUnavailable) {
    return wait_for(server, is_run ? Phase::kBrokenRun : Phase::kBrokenInit, kEndTime);
  }
  is_run ? take_run_answer(server, std::move(answer)) : take_init_answer(server, answer);
}

void HttpWorkers::take_init_answer(Server& server, const Result<HttpAnswer>& answer) {
  if (answer && answer->status == 200) {
    server.phase = Phase::kReady;
    ++ready_;
    return;
  }
  fail_all(server, answer ? "the action's server answered /init with status " + std::to_string(answer->status) + ": " +
                                shown(answer->body)
                          : "the action's server answered /init with " + answer.error().message);
}

void HttpWorkers::take_run_answer(Server& server, Result<HttpAnswer> answer) {
  const std::string what = "the action's server answered /run with ";
  if (!answer) return add_result(server, false, what + answer.error().message);
  if (answer->status != 200) {
    return add_result(server, false, what + "status " + std::to_string(answer->status) + ": " + shown(answer->body));
  }
  const std::size_t begin = answer->body.find_first_not_of(kSpace);
  if (begin == std::string::npos || (answer->body[begin] != '{' && answer->body[begin] != '[')) {
    return add_result(server, false, what + "'" + shown(answer->body) + "'; it must be a JSON object or array");
  }
  add_result(server, true, std::move(answer->body));
}

void HttpWorkers::add_result(Server& server, bool ok, std::string result) {
  server.finish.ok = ok;
  server.finish.result = std::move(result);
  server.finish.function_ended_us = to_micros(wall_now());
  wait_for(server, Phase::kLogging, kLogTime);
  finish_if_over(server);
}

void HttpWorkers::wait_for(Server& server, Phase phase, std::chrono::milliseconds time) {
  server.phase = phase;
  server.until = std::chrono::steady_clock::now() + time;
  set_timer();
}

void HttpWorkers::set_timer() {
  SteadyTime next = SteadyTime::max();
  for (const Server& server : servers_) {
    if (server.phase >= Phase::kBrokenInit && server.phase <= Phase::kLogging) next = std::min(next, server.until);
  }
  itimerspec when{};
  if (next != SteadyTime::max()) {
    const auto left = std::max<std::chrono::nanoseconds>(next - std::chrono::steady_clock::now(), 1ns);
    when.it_value.tv_sec = left / 1s;
    when.it_value.tv_nsec = (left % 1s).count();
  }
  ::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

void HttpWorkers::take_time() {
  std::uint64_t expirations = 0;
  if (::read(timer_.get(), &expirations, sizeof expirations) < 0) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (Server& server : servers_) {
    if (server.until > now) continue;
    if (server.phase == Phase::kLogging) finish_worker(server);
    if (server.phase == Phase::kBrokenInit) fail_all(server, "the action's server gave /init no whole answer in HTTP");
    if (server.phase == Phase::kBrokenRun)
      add_result(server, false, "the action's server gave /run no whole answer in HTTP");
  }
  set_timer();
}

void HttpWorkers::finish_if_over(Server& server) {
  if (server.phase == Phase::kLogging && server.output.is_over() && server.error.is_over()) finish_worker(server);
}

void HttpWorkers::finish_worker(Server& server) {
  server.output.flush();
  server.error.flush();
  server.phase = Phase::kFinished;
  // Of a burst it is its worker's error; of an invocation that is no burst a fault of the action.
  if (start_.is_single && !server.finish.ok) return fail_all(server, server.finish.result);
  server.finish.ended_us = to_micros(wall_now());
  server.finish.peak_memory_bytes = peak_memory_bytes();
  finish_reports_.add(std::move(server.finish));
  ++finished_;
}

void HttpWorkers::fail_all(Server& server, std::string sentence) {
  read_output(server);
  if (!failure_) failure_ = std::move(sentence);
}

/// What it has written so far: the pack is about to end.
void HttpWorkers::read_output(Server& server) {
  for (ServerOutput* stream : {&server.output, &server.error}) {
    stream->read();
    stream->flush();
  }
}

void HttpWorkers::take_end(std::size_t index) {
  Server& server = servers_[index];
  unwatch(server.process.ended_fd());
  // What it answered before it ended is there.
  if (server.exchange && server.exchange->proceed()) take_answer(index);
  if (server.phase >= Phase::kLogging || death_ || failure_) return;
  const int status = server.process.wait_status();
  if (ready_ < servers_.size()) {
    return fail_all(server, "the action's server " + describe_end(status) +
                                " before it answered /init; the activation's log has what it said");
  }
  read_output(server);
  death_ = Death{.worker = WorkerId(server.finish.worker_id), .wait_status = status};
}

protocol::StartedMessage HttpWorkers::take_started() { return std::exchange(start_reports_, {}); }

}  // namespace gust::pack
