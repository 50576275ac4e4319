#include "pack/workers.h"

#include <unistd.h>

#include <sys/eventfd.h>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "pack/last_words.h"
#include "pack/own_memory.h"

namespace gust::pack {

using protocol::FinishedMessage;
using protocol::StartedMessage;
using protocol::StartMessage;
using protocol::WorkerFinish;

namespace {

// Others that waited for a worker that failed see this much of why.
constexpr std::size_t kShownOfError = 500;

// The steady clock's time for a stamp of the wall clock; 0 is none.
SteadyTime deadline_at(std::int64_t wall_us) {
  if (wall_us == 0) return SteadyTime::max();
  return std::chrono::steady_clock::now() + (from_micros(wall_us) - wall_now());
}

}  // namespace

Workers::Workers(const StartMessage& start, std::unique_ptr<Code> code, std::string_view binary)
    : start_(start),
      code_(std::move(code)),
      loaded_{.loaded_us = to_micros(wall_now()), .peak_memory_bytes = peak_memory_bytes()},
      identity_{.burst_id = start.flare_id,
                .burst_size = start.burst_size,
                .pack_id = start.pack_id,
                .invoker_id = start.invoker_id,
                .workers = start.workers,
                .pack_first_worker = start.pack_first_worker},
      peers_(start, binary, [this] { notify(); }),
      exchange_(message::Layout(start.burst_size, start.pack_first_worker, PackId(start.pack_id)), peers_.factory(),
                deadline_at(start.deadline_us), {.chunk_bytes = start.chunk_bytes}),
      event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // So that a crash in an operator of a reduction names its worker; without a stack for signals.
  exchange_.helper_begins = [](WorkerId worker) { become_worker(worker); };
  GUST_CHECK(event_, "an eventfd");
  GUST_CHECK(pthread_key_create(&end_key_, &Workers::end) == 0, "a key for thread-specific data");
}

Result<void> Workers::start_all(Threads& threads) {
  const std::uint32_t size = start_.workers.count;
  GUST_TRY_VOID(threads.grow(size));
  std::uint32_t begin = 0;
  for (std::uint32_t i = 0; i < size; ++i) {
    const std::uint32_t params_end = start_.params_end[i];
    slots_.emplace_back(*this, identity_, WorkerId(start_.workers.first.value() + i),
                        std::string_view(start_.params).substr(begin, params_end - begin),
                        threads.missing_signal_stack(i));
    begin = params_end;
  }
  std::vector<Threads::Task> tasks;
  tasks.reserve(size);
  for (Slot& slot : slots_) tasks.push_back({&Workers::run, &slot});
  return threads.start(std::move(tasks));
}

void* Workers::run(void* argument) {
  const std::int64_t started_us = to_micros(wall_now());
  auto& slot = *static_cast<Slot*>(argument);
  Workers& workers = slot.workers;
  slot.started_us = started_us;
  become_worker(slot.context.worker());
  if (!slot.signal_stack.empty()) use_signal_stack(slot.signal_stack);
  // The end is a destructor of thread-specific data: it comes after those of the user's thread_local variables, whose
  // output belongs to the worker, and it comes even when C code calls pthread_exit().
  pthread_setspecific(workers.end_key_, &slot);
  slot.state.store(State::kStarted, std::memory_order_release);
  workers.started_.fetch_add(1, std::memory_order_release);

  slot.finish.function_started_us = to_micros(wall_now());
  const int returned = workers.code_->work(slot.context.abi(), slot.params);
  slot.finish.function_ended_us = to_micros(wall_now());
  worker::Outcome outcome = slot.context.finish(returned);
  slot.finish.ok = outcome.ok;
  slot.finish.result = std::move(outcome.text);
  slot.returned = true;
  return nullptr;
}

void Workers::end(void* argument) {
  auto& slot = *static_cast<Slot*>(argument);
  Workers& workers = slot.workers;
  slot.finish.worker_id = slot.context.worker().value();
  if (!slot.returned) {
    slot.finish.function_ended_us = to_micros(wall_now());
    slot.finish.result = "the worker ended its thread (pthread_exit) instead of returning";
  }
  slot.context.settle(slot.finish.ok ? "" : slot.finish.result.substr(0, kShownOfError));
  slot.finish.ended_us = to_micros(wall_now());
  // Whoever waits for a message of this worker waits in vain from now on.
  workers.exchange_.hub.worker_ended(
      slot.context.worker(), workers.exchange_.collectives.count(slot.context.worker()),
      slot.finish.ok ? "it returned" : "it failed: " + slot.finish.result.substr(0, kShownOfError));
  slot.state.store(State::kFinished, std::memory_order_release);
  const bool first_news = !workers.finish_news_.exchange(true, std::memory_order_acq_rel);
  const bool last = workers.finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == workers.count();
  if (first_news || last) workers.notify();
}

void Workers::notify() const {
  const std::uint64_t one = 1;
  GUST_CHECK(::write(event_.get(), &one, sizeof one) == sizeof one, "an eventfd takes 2^64 - 2 events");
}

void Workers::take_events() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(event_.get(), &count, sizeof count);  // empty is as good
}

StartedMessage Workers::take_started() {
  StartedMessage message;
  message.reserve(count());
  for (Slot& slot : slots_) {
    if (slot.start_taken || slot.state.load(std::memory_order_acquire) == State::kCreated) continue;
    slot.start_taken = true;
    message.push_back({.worker_id = slot.context.worker().value(), .started_us = slot.started_us});
  }
  return message;
}

FinishedMessage Workers::take_finished(std::size_t max_bytes) {
  finish_news_.exchange(false, std::memory_order_acq_rel);
  more_finished_ = false;
  FinishedMessage message;
  const std::uint64_t peak = peak_memory_bytes();
  std::size_t bytes = 0;
  for (Slot& slot : slots_) {
    if (slot.finish_taken || slot.state.load(std::memory_order_acquire) != State::kFinished) continue;
    if (!slot.start_taken) {  // its start is reported first: it came after take_started()
      finish_news_.store(true, std::memory_order_release);
      continue;
    }
    if (bytes > 0 && bytes + slot.finish.result.size() > max_bytes) {
      more_finished_ = true;
      break;
    }
    slot.finish_taken = true;
    bytes += slot.finish.result.size() + 64;
    slot.finish.peak_memory_bytes = peak;
    message.push_back(std::move(slot.finish));
  }
  return message;
}

}  // namespace gust::pack
