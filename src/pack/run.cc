#include "pack/run.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include "pack/blackbox.h"
#include "pack/code.h"
#include "pack/forked_workers.h"
#include "pack/interpreter.h"
#include "pack/last_words.h"
#include "pack/prewarm.h"
#include "pack/program_workers.h"
#include "pack/server/http_workers.h"
#include "pack/threads.h"
#include "pack/warm_up.h"
#include "pack/worker_group.h"
#include "pack/workers.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

namespace {

using namespace std::chrono_literals;
using protocol::FrameType;
using protocol::StartMessage;

/// News is held back for this long to travel together. Nobody sees the delay: what ends it at once is that there is
/// nothing more to wait for.
constexpr auto kBatchWindow = 20ms;

/// The invoker is trusted; this only bounds what a mistake can ask for.
constexpr std::size_t kMaxStartBytes = std::size_t{1} << 30;

// Without destructors of static objects, the user's among them: they may wait for threads that still run.
[[noreturn]] void leave(int exit_code) {
  std::fflush(nullptr);
  ::_exit(exit_code);
}

/// Reports on the socket, what comes together in one go. When the invoker is gone nobody wants this process any more:
/// it ends at once.
class Reporter {
 public:
  explicit Reporter(int socket) : socket_(socket) {}

  /// To be sent with what follows, by flush() at the latest.
  void say(FrameType type, std::string payload) {
    held_bytes_ += payload.size();
    held_.push_back({type, std::move(payload)});
    if (held_bytes_ > kMostHeld) flush();
  }
  void flush() {
    if (!protocol::send_messages(socket_, held_, /*timeout_ms=*/-1)) ::_exit(kExitFailed);
    held_.clear();
    held_bytes_ = 0;
  }
  [[noreturn]] void load_failed(const Error& error) {
    say(FrameType::kLoadFailed, error.message);
    flush();
    leave(kExitFailed);
  }
  /// The load is reported only now, together with the first starts: one wake-up of the invoker less.
  void loaded(const protocol::LoadedMessage& message) { loaded_ = message; }
  void started(WorkerGroup& workers) {
    const protocol::StartedMessage news = workers.take_started();
    if (news.empty()) return;
    if (loaded_) say(FrameType::kLoaded, encode(*std::exchange(loaded_, std::nullopt)));
    say(FrameType::kStarted, encode(news));
  }
  /// Of workers that have talked. Others cost nothing.
  void traffic(const message::Traffic& sent) {
    if (sent == message::Traffic()) return;
    say(FrameType::kTraffic, encode(protocol::TrafficMessage{.local_messages = sent.local_messages,
                                                             .local_bytes = sent.local_bytes,
                                                             .remote_messages = sent.remote_messages,
                                                             .remote_bytes = sent.remote_bytes}));
  }
  void finished(WorkerGroup& workers) {
    do {
      const protocol::FinishedMessage news = workers.take_finished(protocol::kMaxResultBytes);
      if (news.empty()) return;
      say(FrameType::kFinished, encode(news));
    } while (workers.more_finished());
  }
  /// The last words of a worker's process, which cannot say them itself.
  [[noreturn]] void died(const Death& death) {
    const std::uint32_t worker = death.worker ? death.worker->value() : protocol::kNoWorker;
    const std::int64_t at_us = to_micros(wall_now());
    if (WIFSIGNALED(death.wait_status)) {
      say(FrameType::kCrashed, encode(protocol::CrashedMessage{.worker_id = worker,
                                                               .signal = WTERMSIG(death.wait_status),
                                                               .address = protocol::kNoAddress,
                                                               .at_us = at_us}));
    } else {
      say(FrameType::kExited, encode(protocol::ExitedMessage{
                                  .worker_id = worker, .exit_code = WEXITSTATUS(death.wait_status), .at_us = at_us}));
    }
    flush();
    leave(kExitFailed);
  }

 private:
  static constexpr std::size_t kMostHeld = 64 << 10;

  int socket_;
  std::vector<protocol::Message> held_;
  std::size_t held_bytes_ = 0;
  std::optional<protocol::LoadedMessage> loaded_;
};

/// The first message. Nothing when there is no socket.
std::optional<StartMessage> read_start(int socket, Reporter& reporter) {
  protocol::MessageReader reader(kMaxStartBytes);
  while (true) {
    auto read = reader.read(socket);
    if (!read && read.error().code == ErrorCode::kUnavailable) ::_exit(kExitFailed);
    if (!read && read.error().code == ErrorCode::kInternal) return std::nullopt;
    if (!read) reporter.load_failed(read.error());
    if (reader.would_block()) {
      pollfd entry{.fd = socket, .events = POLLIN, .revents = 0};
      ::poll(&entry, 1, -1);
    }
    if (!*read) continue;
    if ((*read)->type != FrameType::kStart) {
      reporter.load_failed({ErrorCode::kInvalid, "the invoker's first message to a pack was not a start"});
    }
    auto start = protocol::decode<StartMessage>((*read)->payload);
    if (!start) reporter.load_failed(start.error());
    return std::move(*start);
  }
}

/// Waits until there is news of workers, or until `end`.
void wait(int socket, protocol::MessageReader& reader, WorkerGroup& workers, std::optional<SteadyTime> end) {
  using std::chrono::milliseconds;
  const auto left = end ? std::chrono::ceil<milliseconds>(*end - std::chrono::steady_clock::now()) : milliseconds(-1);
  std::array<pollfd, 2> entries = {pollfd{.fd = socket, .events = POLLIN, .revents = 0},
                                   pollfd{.fd = workers.event_fd(), .events = POLLIN, .revents = 0}};
  ::poll(entries.data(), entries.size(), end ? std::max(0, static_cast<int>(left.count())) : -1);
  if (entries[0].revents != 0) {
    const auto message = reader.read(socket);
    if (!message) ::_exit(kExitFailed);  // the end of the stream, the end of the invoker
    if (*message && !workers.obey(**message)) ::_exit(kExitFailed);
  }
  if (entries[1].revents != 0) workers.take_events();
}

/// Until every worker is reported as finished.
void report_all(int socket, Reporter& reporter, WorkerGroup& workers) {
  using Clock = std::chrono::steady_clock;
  protocol::MessageReader reader(kMaxStartBytes);
  bool starts_missing = true;
  std::optional<Clock::time_point> window_end = Clock::now() + kBatchWindow;
  while (true) {
    if (const auto failure = workers.failure()) reporter.load_failed({ErrorCode::kInvalid, *failure});
    if (const auto death = workers.death()) reporter.died(*death);
    if (const auto address = workers.take_announcement()) reporter.say(FrameType::kPeerAddress, *address);
    const bool everything = workers.all_finished();
    const bool window_over = window_end && Clock::now() >= *window_end;
    if (everything || window_over) {
      starts_missing = !workers.all_started();
      reporter.started(workers);
      if (everything) reporter.traffic(workers.traffic());
      reporter.finished(workers);
    }
    reporter.flush();
    if (everything) return;
    if (window_over) window_end.reset();
    if (!window_end && (starts_missing || workers.has_finish_news())) window_end = Clock::now() + kBatchWindow;
    wait(socket, reader, workers, window_end);
    if (!window_end && workers.has_finish_news()) window_end = Clock::now() + kBatchWindow;
  }
}

/// Threads that run a shared object; they begin at once.
Result<std::unique_ptr<WorkerGroup>> start_threads(const StartMessage& start, Threads& threads,
                                                   std::string_view binary) {
  // Lines in the log as they are printed, also when the next one is a crash.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  report_crashes(kInvokerSocket);
  report_exit();
  auto code = GUST_TRY(load_code(start.kind, start.code_path));
  report_exit();
  auto workers = std::make_unique<Workers>(start, std::move(code), binary);
  GUST_TRY_VOID(workers->start_all(threads));
  return workers;
}

/// What was made before the pack was claimed.
struct Ahead {
  Threads threads;
  std::optional<Interpreter> interpreter;
};

/// One that is there already where it is what would be started now.
Result<Interpreter> take_interpreter(std::optional<Interpreter>& ahead) {
  std::optional<Interpreter> there = std::exchange(ahead, std::nullopt);
  if (!there || !there->is_the_wanted_one() || !there->catch_up()) return Interpreter::start();
  return *std::move(there);
}

Result<std::unique_ptr<WorkerGroup>> start_workers(const StartMessage& start, Ahead& ahead, std::string_view binary) {
  const std::string kind = GUST_TRY(kind_to_run(start));
  const bool python = kind.starts_with(kPythonKinds);
  if (!python) ahead.interpreter.reset();  // which ends it
  if (kind == kNativeKind) return ProgramWorkers::load(start, kInvokerSocket);
  if (kind == kHttpKind) return HttpWorkers::load(start, kInvokerSocket);
  if (!python) return start_threads(start, ahead.threads, binary);
  return ForkedWorkers::load(start, GUST_TRY(take_interpreter(ahead.interpreter)), kInvokerSocket);
}

int run(WallTime entered, Ahead ahead, std::string_view binary) {
  Reporter reporter(kInvokerSocket);
  const std::optional<StartMessage> start = read_start(kInvokerSocket, reporter);
  if (!start) return kExitNoInvoker;

  auto workers = start_workers(*start, ahead, binary);
  if (!workers) reporter.load_failed(workers.error());
  protocol::LoadedMessage loaded = (*workers)->loaded();
  loaded.entered_us = to_micros(entered);
  reporter.loaded(loaded);
  report_all(kInvokerSocket, reporter, **workers);
  (*workers)->finish();
  leave(kExitFinished);
}

/// What cannot be made is made when it is needed, and then somebody is there who can be told that it failed.
Ahead make_ahead(const Prewarmed& wanted) {
  Ahead ahead;
  if (auto threads = Threads::reserve(wanted.threads)) {
    ahead.threads = *std::move(threads);
    if (!ahead.threads.make_ahead()) ::_exit(kExitFailed);
  }
  // A message is read into a buffer on the stack; code, parameters and workers of a large pack are on the heap.
  touch_stack<std::size_t{80} << 10>();
  touch_heap(std::size_t{96} << 10);
  if (wanted.python == nullptr) return ahead;
  if (auto interpreter = Interpreter::start_ahead(wanted.python)) ahead.interpreter = *std::move(interpreter);
  return ahead;
}

}  // namespace

int run_pack(WallTime entered, std::string_view binary) { return run(entered, {}, binary); }

void run_prewarmed(const Prewarmed& wanted, std::string_view binary) {
  Ahead ahead = make_ahead(wanted);
  if (!await_claim(ahead.threads.count())) ::_exit(kExitFailed);
  ::_exit(run(wall_now(), std::move(ahead), binary));
}

}  // namespace gust::pack
