#include "scheduler/scheduler.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "base/check.h"

namespace gust::scheduler {
namespace {

std::string ahead(std::size_t flares) {
  return fmt::format("{} {} ahead of it", flares, flares == 1 ? "flare is" : "flares are");
}

}  // namespace

Result<void> Scheduler::add_invoker(InvokerId invoker, std::uint32_t slots, Bytes memory) {
  GUST_TRY_VOID(ledger_.add(invoker, slots, memory));
  head_refused_ = false;
  return {};
}

Loss Scheduler::remove_invoker(InvokerId invoker) {
  Loss loss;
  if (!ledger_.remove(invoker)) return loss;

  for (auto running = running_.begin(); running != running_.end();) {
    auto& [flare, reservation] = *running;
    const auto open_before = reservation.open;
    for (auto& hold : reservation.holds) {
      if (hold.invoker != invoker || hold.slots == 0) continue;
      hold.slots = 0;
      --reservation.open;
    }
    if (reservation.open != open_before) loss.broken.push_back(flare);
    running = reservation.open == 0 ? running_.erase(running) : std::next(running);
  }
  std::ranges::sort(loss.broken);

  // Many queued flares ask for the same; each kind is tested once.
  std::map<packing::Demand, Result<void>> tested;
  for (auto request = queue_.begin(); request != queue_.end();) {
    const auto& demand = request->demand;
    auto known = tested.find(demand);
    if (known == tested.end()) {
      known = tested.emplace(demand, packing::fits_when_empty(demand, ledger_.invokers())).first;
    }
    if (!known->second) {
      loss.refused.push_back({request->flare, known->second.error()});
      request = unqueue(request);
    } else {
      ++request;
    }
  }
  return loss;
}

Result<Admission> Scheduler::submit(const FlareId& flare, const packing::Demand& demand) {
  if (queued_.contains(flare) || running_.contains(flare)) {
    return fail(ErrorCode::kExists, fmt::format("flare {} is {} already; submit it under an id of its own", flare.str(),
                                                queued_.contains(flare) ? "queued" : "running"));
  }
  std::string reason;
  if (queue_.empty()) {
    auto plan = packing::plan(demand, ledger_.invokers());
    if (plan) {
      reserve({flare, demand}, *plan);
      return std::move(*plan);
    }
    if (plan.error().code != ErrorCode::kBusy) return std::unexpected(std::move(plan).error());
    reason = std::move(plan).error().message;
  } else {
    GUST_TRY_VOID(packing::fits_when_empty(demand, ledger_.invokers()));
    reason = ahead(queue_.size());
  }

  if (queue_.size() >= queue_limit_) {
    return fail(ErrorCode::kBusy,
                fmt::format("the queue is full (limit {}); submit again when flares have started, or raise the limit",
                            queue_limit_));
  }
  if (queue_.empty()) head_refused_ = true;
  queue_.push_back({flare, demand});
  queued_.emplace(flare, std::prev(queue_.end()));
  return Place{.position = queue_.size(), .reason = std::move(reason)};
}

std::vector<Start> Scheduler::admit() {
  std::vector<Start> starts;
  while (head_may_fit()) {
    const auto& head = queue_.front();
    auto plan = packing::plan(head.demand, ledger_.invokers());
    if (!plan) {
      GUST_CHECK(plan.error().code == ErrorCode::kBusy, "what can never fit is not in the queue");
      head_refused_ = true;
      break;
    }
    reserve(head, *plan);
    starts.push_back({head.flare, std::move(*plan)});
    unqueue(queue_.begin());
  }
  return starts;
}

void Scheduler::release(const FlareId& flare) {
  const auto running = running_.find(flare);
  if (running == running_.end()) return;
  for (auto& hold : running->second.holds) give_back(running->second, hold);
  running_.erase(running);
}

void Scheduler::release_pack(const FlareId& flare, PackId pack) {
  const auto running = running_.find(flare);
  if (running == running_.end()) return;
  auto& reservation = running->second;
  GUST_CHECK(pack.value() < reservation.holds.size(), "the pack is one of the plan's");
  give_back(reservation, reservation.holds[pack.value()]);
  if (reservation.open == 0) running_.erase(running);
}

bool Scheduler::cancel(const FlareId& flare) {
  const auto found = queued_.find(flare);
  if (found == queued_.end()) return false;
  unqueue(found->second);
  return true;
}

std::optional<Place> Scheduler::place(const FlareId& flare) const {
  const auto found = queued_.find(flare);
  if (found == queued_.end()) return std::nullopt;
  const auto ahead = std::distance(queue_.begin(), Queue::const_iterator(found->second));
  const auto position = static_cast<std::size_t>(ahead) + 1;
  return Place{.position = position, .reason = why_waiting(*found->second, position)};
}

std::vector<Waiting> Scheduler::queue(std::size_t limit) const {
  std::vector<Waiting> result;
  result.reserve(std::min(limit, queue_.size()));
  for (const auto& request : queue_) {
    if (result.size() >= limit) break;
    const auto position = result.size() + 1;
    result.push_back({request.flare, request.demand, {.position = position, .reason = why_waiting(request, position)}});
  }
  return result;
}

void Scheduler::reserve(const Request& request, const packing::Plan& plan) {
  Reservation reservation{.memory_per_pack = request.demand.memory_per_pack, .holds = {}, .open = plan.size()};
  reservation.holds.reserve(plan.size());
  for (const auto& pack : plan) {
    ledger_.take(pack.invoker, pack.workers.count, request.demand.memory_per_pack);
    reservation.holds.push_back({pack.invoker, pack.workers.count});
  }
  running_.emplace(request.flare, std::move(reservation));
}

void Scheduler::give_back(Reservation& reservation, Hold& hold) {
  if (hold.slots == 0) return;
  ledger_.give(hold.invoker, std::exchange(hold.slots, 0), reservation.memory_per_pack);
  --reservation.open;
  head_refused_ = false;
}

Scheduler::Queue::iterator Scheduler::unqueue(Queue::iterator request) {
  if (request == queue_.begin()) head_refused_ = false;
  queued_.erase(request->flare);
  return queue_.erase(request);
}

/// Without looking at the invokers: most calls come for one pack of many that end, when the head is far from fitting.
bool Scheduler::head_may_fit() const {
  if (queue_.empty() || head_refused_) return false;
  const auto least = packing::least_need(queue_.front().demand);
  return least.slots <= totals().slots_free && least.memory <= totals().memory_free;
}

std::string Scheduler::why_waiting(const Request& request, std::size_t position) const {
  if (position > 1) return ahead(position - 1);
  const auto plan = packing::plan(request.demand, ledger_.invokers());
  return plan ? "it fits now and is about to start" : plan.error().message;
}

}  // namespace gust::scheduler
