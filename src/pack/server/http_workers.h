// Workers that are servers of OpenWhisk's contract for action containers: each a process that is asked to /init and
// then to /run over HTTP.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "pack/finish_queue.h"
#include "pack/server/http_exchange.h"
#include "pack/server/server_output.h"
#include "pack/server/server_process.h"
#include "pack/worker_group.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

/// Only on the pack's main thread. The servers end with the container: this object does not end them.
class HttpWorkers final : public WorkerGroup {
 public:
  /// Starts a server for each worker and waits until all have answered /init. kInvalid, with a sentence for the person
  /// who deployed it. Ends the process when `invoker_socket`, which is not read, is closed meanwhile. `start` must
  /// outlive the workers.
  static Result<std::unique_ptr<WorkerGroup>> load(const protocol::StartMessage& start, int invoker_socket);

  [[nodiscard]] protocol::LoadedMessage loaded() const override { return loaded_; }
  [[nodiscard]] bool all_started() const override { return true; }
  [[nodiscard]] bool all_finished() const override { return finished_ == servers_.size(); }
  [[nodiscard]] bool has_finish_news() const override { return !finish_reports_.empty(); }
  [[nodiscard]] int event_fd() const override { return poller_.get(); }
  void take_events() override;
  protocol::StartedMessage take_started() override;
  protocol::FinishedMessage take_finished(std::size_t max_bytes) override { return finish_reports_.take(max_bytes); }
  [[nodiscard]] bool more_finished() const override { return !finish_reports_.empty(); }
  [[nodiscard]] std::optional<Death> death() const override { return death_; }
  [[nodiscard]] std::optional<std::string> failure() const override { return failure_; }

 private:
  enum class Phase : std::uint8_t {
    kStarting,  ///< has not bound its port
    kIniting,
    kReady,
    kRunning,
    kBrokenInit,  ///< gave no answer: if it is about to end, how it ends says more
    kBrokenRun,
    kLogging,  ///< has answered; the rest of its log is to come
    kFinished,
  };
  struct Server {
    Server(ServerProcess server_process, UniqueFd standard_output, UniqueFd standard_error, const std::string& mark);

    ServerProcess process;
    ServerOutput output;
    ServerOutput error;
    Phase phase = Phase::kStarting;
    std::unique_ptr<HttpExchange> exchange;
    SteadyTime until;  ///< of the phases from kBrokenInit to kLogging
    protocol::WorkerFinish finish;
  };
  enum class Source : std::uint8_t { kPort, kOutput, kError, kEnd, kExchange, kTimer };

  explicit HttpWorkers(const protocol::StartMessage& start);
  Result<void> start_servers();
  Result<void> wait_until_ready(int invoker_socket);
  void run_all();
  bool watch(int descriptor, std::uint32_t events, std::size_t server, Source source);
  void unwatch(int descriptor);
  void take_event(std::size_t index, Source source);
  void take_bind(std::size_t index);
  void ask(std::size_t index, std::string_view path, std::shared_ptr<const std::string> body);
  void take_answer(std::size_t index);
  void take_init_answer(Server& server, const Result<HttpAnswer>& answer);
  void take_run_answer(Server& server, Result<HttpAnswer> answer);
  void take_end(std::size_t index);
  void take_time();
  void wait_for(Server& server, Phase phase, std::chrono::milliseconds time);
  void finish_if_over(Server& server);
  void finish_worker(Server& server);
  void fail_all(Server& server, std::string sentence);
  static void read_output(Server& server);
  void add_result(Server& server, bool ok, std::string result);
  void set_timer();

  const protocol::StartMessage& start_;
  UniqueFd poller_;
  UniqueFd timer_;
  std::shared_ptr<const std::string> init_;
  std::vector<Server> servers_;  ///< in the order of workers; never moved once they are watched
  std::size_t ready_ = 0;
  std::size_t finished_ = 0;
  protocol::LoadedMessage loaded_;
  protocol::StartedMessage start_reports_;
  FinishQueue finish_reports_;
  std::optional<std::string> failure_;
  std::optional<Death> death_;
};

}  // namespace gust::pack
