// Workers that are threads, and what has become of each of them.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "pack/code.h"
#include "pack/peer_link.h"
#include "pack/threads.h"
#include "pack/worker_group.h"
#include "protocol/pack_frames.h"
#include "worker/context.h"
#include "worker/exchange.h"

namespace gust::pack {

/// Made and asked on the pack's main thread; the workers run on threads of their own and only write into their slots.
/// The main thread is woken twice in the life of a pack that finishes as one, however many workers it has: when one has
/// finished, and when the last has.
class Workers final : public WorkerGroup {
 public:
  /// `start` must outlive this object, and this object the process: threads are never joined.
  /// As well as `binary`, gust-pack's own path.
  Workers(const protocol::StartMessage& start, std::unique_ptr<Code> code, std::string_view binary);

  /// Starts all of them, on threads made ahead as far as there are any. What fails half-way leaves the others running:
  /// to be followed by the end of the process.
  Result<void> start_all(Threads& threads);

  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(slots_.size()); }
  [[nodiscard]] protocol::LoadedMessage loaded() const override { return loaded_; }
  [[nodiscard]] bool all_started() const override { return started_.load(std::memory_order_acquire) == count(); }
  [[nodiscard]] bool all_finished() const override { return finished_.load(std::memory_order_acquire) == count(); }
  [[nodiscard]] bool has_finish_news() const override { return finish_news_.load(std::memory_order_acquire); }
  [[nodiscard]] int event_fd() const override { return event_.get(); }
  void take_events() override;
  protocol::StartedMessage take_started() override;
  protocol::FinishedMessage take_finished(std::size_t max_bytes) override;
  [[nodiscard]] bool more_finished() const override { return more_finished_; }
  std::optional<std::string> take_announcement() override { return peers_.take_announcement(); }
  Result<void> obey(const protocol::Message& message) override { return peers_.obey(message, exchange_.hub); }
  [[nodiscard]] message::Traffic traffic() const override { return exchange_.hub.traffic(); }
  void finish() override { exchange_.hub.finish(); }

 private:
  enum class State : std::uint8_t { kCreated, kStarted, kFinished };

  struct Slot {
    Slot(Workers& all_workers, const worker::PackIdentity& pack, WorkerId id, std::string_view worker_params,
         std::span<std::byte> stack)
        : workers(all_workers),
          context(pack, all_workers.exchange_, id, protocol::kMaxResultBytes),
          params(worker_params),
          signal_stack(stack) {}

    Workers& workers;
    worker::Context context;
    std::string_view params;
    std::span<std::byte> signal_stack;
    std::int64_t started_us = 0;
    protocol::WorkerFinish finish;
    bool returned = false;
    std::atomic<State> state = State::kCreated;
    bool start_taken = false;   // main thread's
    bool finish_taken = false;  // main thread's
  };

  static void* run(void* slot);
  static void end(void* slot);
  void notify() const;

  const protocol::StartMessage& start_;
  std::unique_ptr<Code> code_;
  protocol::LoadedMessage loaded_;
  worker::PackIdentity identity_;
  PeerLink peers_;
  worker::Exchange exchange_;
  UniqueFd event_;
  pthread_key_t end_key_{};
  std::deque<Slot> slots_;
  std::atomic<std::uint32_t> started_ = 0;
  std::atomic<std::uint32_t> finished_ = 0;
  std::atomic<bool> finish_news_ = false;
  bool more_finished_ = false;
};

}  // namespace gust::pack
