// All workers of a pack in the hands of one executable (kind `native`).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "pack/finish_queue.h"
#include "pack/program.h"
#include "pack/worker_group.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

/// Only on the pack's main thread. The program ends with the container: this object does not end it.
class ProgramWorkers final : public WorkerGroup {
 public:
  /// Starts the program and, with OW_WAIT_FOR_ACK in the environment, waits for its {"ok":true}. kInvalid, with a
  /// sentence for the person who deployed it. Ends the process when `invoker_socket`, which is not read, is closed
  /// meanwhile.
  static Result<std::unique_ptr<WorkerGroup>> load(const protocol::StartMessage& start, int invoker_socket);

  [[nodiscard]] protocol::LoadedMessage loaded() const override { return loaded_; }
  [[nodiscard]] bool all_started() const override { return true; }
  [[nodiscard]] bool all_finished() const override { return finished_; }
  [[nodiscard]] bool has_finish_news() const override { return !finish_reports_.empty(); }
  [[nodiscard]] int event_fd() const override { return poller_.get(); }
  void take_events() override;
  protocol::StartedMessage take_started() override;
  protocol::FinishedMessage take_finished(std::size_t max_bytes) override { return finish_reports_.take(max_bytes); }
  [[nodiscard]] bool more_finished() const override { return !finish_reports_.empty(); }
  [[nodiscard]] std::optional<Death> death() const override { return death_; }
  [[nodiscard]] std::optional<std::string> failure() const override { return failure_; }

 private:
  ProgramWorkers(const protocol::StartMessage& start, Program program, bool awaits_ack);
  Result<void> watch();
  Result<void> wait_for_ack(int invoker_socket);
  void write_request();
  void read_answers();
  void take_line(std::string_view line);
  void take_ack(std::string_view line);
  void take_answer(std::string_view line);
  void add_result(std::uint32_t worker, std::string_view result);
  void take_end();

  WorkerRange workers_;
  bool is_single_;
  Program program_;
  UniqueFd poller_;
  std::string request_;
  std::size_t written_ = 0;
  std::string answer_;  ///< what has come of a line
  bool awaiting_ack_;
  bool answers_over_ = false;
  bool finished_ = false;
  std::int64_t started_us_ = 0;
  protocol::LoadedMessage loaded_;
  protocol::StartedMessage start_reports_;
  FinishQueue finish_reports_;
  std::optional<std::string> failure_;
  std::optional<Death> death_;
};

}  // namespace gust::pack
