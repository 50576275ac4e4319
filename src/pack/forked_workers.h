// Workers that are processes, forked from an interpreter that has imported the code.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "pack/finish_queue.h"
#include "pack/interpreter.h"
#include "pack/worker_group.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

/// Only on the pack's main thread. The processes end with the container: this object does not end them.
class ForkedWorkers final : public WorkerGroup {
 public:
  /// Gives the interpreter its job and waits until the code is loaded; the workers start by themselves. kInvalid, with
  /// a sentence for the person who deployed the code, when it cannot be. Ends the process when `invoker_socket`, which
  /// is not read, is closed meanwhile.
  static Result<std::unique_ptr<WorkerGroup>> load(const protocol::StartMessage& start, Interpreter interpreter,
                                                   int invoker_socket);

  [[nodiscard]] protocol::LoadedMessage loaded() const override { return loaded_; }
  [[nodiscard]] bool all_started() const override { return started_ == slots_.size(); }
  [[nodiscard]] bool all_finished() const override { return finished_ == slots_.size(); }
  [[nodiscard]] bool has_finish_news() const override { return finish_news_; }
  [[nodiscard]] int event_fd() const override { return poller_.get(); }
  void take_events() override;
  protocol::StartedMessage take_started() override;
  protocol::FinishedMessage take_finished(std::size_t max_bytes) override;
  [[nodiscard]] bool more_finished() const override { return !finish_reports_.empty(); }
  [[nodiscard]] std::optional<Death> death() const override { return death_; }
  [[nodiscard]] std::optional<std::string> failure() const override { return failure_; }

 private:
  enum class State : std::uint8_t { kForked, kStarted, kFinished };
  struct Slot {
    State state = State::kForked;
    std::string result;  ///< the parts of it that have come
  };

  ForkedWorkers(const protocol::StartMessage& start, Interpreter interpreter);
  Result<void> watch();
  Result<void> wait_until_loaded(int invoker_socket);
  /// False when nothing is there.
  bool take_packet();
  void take(std::string_view packet);
  void take_report(char kind, std::uint32_t worker, std::string_view rest);
  void take_end(Slot& slot, std::uint32_t worker, std::string_view rest);
  [[nodiscard]] Error describe_early_end() const;

  WorkerRange workers_;
  Interpreter interpreter_;
  UniqueFd poller_;  ///< of the interpreter's socket and of its end
  std::vector<char> packet_;
  std::vector<Slot> slots_;
  protocol::LoadedMessage loaded_;
  bool is_loaded_ = false;
  std::uint32_t started_ = 0;
  std::uint32_t finished_ = 0;
  bool finish_news_ = false;
  protocol::StartedMessage start_reports_;
  FinishQueue finish_reports_;
  std::optional<std::string> failure_;
  std::optional<Death> death_;
};

}  // namespace gust::pack
