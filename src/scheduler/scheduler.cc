#include "scheduler/scheduler.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "base/check.h"

namespace gust::scheduler {
namespace {

// A look at the queue is bounded, so that an end of a pack costs little even under a long queue of flares that do not
// fit: so many are looked at, so many of them are planned for in vain. Both are far more than usually pass at once.
constexpr std::size_t kMostLooks = 200;
constexpr std::size_t kMostVainPlans = 16;
// The order changes by the passing of time alone, slowly.
constexpr Moment kPatience = std::chrono::seconds(1);

std::string ahead(std::size_t flares) {
  return fmt::format("{} {} ahead of it", flares, flares == 1 ? "flare is" : "flares are");
}

}  // namespace

class Scheduler::Passing {
 public:
  explicit Passing(const Promise& promise, const Ledger& ledger)
      : promise_(promise), open_(ledger.invokers().begin(), ledger.invokers().end()) {
    for (std::size_t i = 0; i < promise.spare.size(); ++i) {
      open_[i].free_slots = std::min(open_[i].free_slots, promise.spare[i].free_slots);
      open_[i].free_memory = std::min(open_[i].free_memory, promise.spare[i].free_memory);
      slots_ += open_[i].free_slots;
    }
  }

  [[nodiscard]] bool ends_in_time(const Job& job, Moment now) const {
    return promise_.at == Promise::kNever || job.time_limit <= promise_.at - now;
  }
  /// What the head leaves to those who will still run when it starts: of what is free now, what it will not need.
  [[nodiscard]] std::span<const packing::Capacity> open() const { return open_; }
  [[nodiscard]] bool may_fit(const packing::Demand& demand) const { return demand.burst_size <= slots_; }

  std::size_t looks = 0;
  std::size_t vain_plans = 0;

 private:
  const Promise& promise_;
  std::vector<packing::Capacity> open_;
  std::uint64_t slots_ = 0;
};

Scheduler::Scheduler(Policy policy)
    : queue_limit_(policy.queue_limit), tenants_(policy.shares, policy.half_life), queue_(policy.ageing) {}

Result<void> Scheduler::add_invoker(InvokerId invoker, std::uint32_t slots, Bytes memory) {
  GUST_TRY_VOID(ledger_.add(invoker, slots, memory));
  promise_.reset();
  freed();
  return {};
}

Loss Scheduler::remove_invoker(InvokerId invoker, Moment now) {
  Loss loss;
  if (!ledger_.remove(invoker)) return loss;
  promise_.reset();
  freed();

  for (auto running = running_.begin(); running != running_.end();) {
    auto& [flare, reservation] = *running;
    const auto open_before = reservation.open;
    for (auto& hold : reservation.holds) {
      if (hold.invoker != invoker || hold.slots == 0) continue;
      tenants_.give(*reservation.tenant, std::exchange(hold.slots, 0), now);
      --reservation.open;
    }
    if (reservation.open != open_before) loss.broken.push_back(flare);
    running = reservation.open == 0 ? running_.erase(running) : std::next(running);
  }
  std::ranges::sort(loss.broken);

  // Many queued flares ask for the same; each kind is tested once.
  std::map<packing::Demand, Result<void>> tested;
  for (const auto* request : queue_.by_submission()) {
    const auto& demand = request->job.demand;
    auto known = tested.find(demand);
    if (known == tested.end()) {
      known = tested.emplace(demand, packing::fits_when_empty(demand, ledger_.invokers())).first;
    }
    if (known->second) continue;
    loss.refused.push_back({request->job.flare, known->second.error()});
    unqueue(*request);
  }
  return loss;
}

bool Scheduler::drain(InvokerId invoker) {
  if (!ledger_.cordon(invoker)) return false;
  promise_.reset();
  changed_ = true;
  return true;
}

bool Scheduler::uncordon(InvokerId invoker) {
  if (!ledger_.uncordon(invoker)) return false;
  promise_.reset();
  freed();
  return true;
}

Result<Admission> Scheduler::submit(Job job, Moment now) {
  const bool queued = queue_.find(job.flare) != nullptr;
  if (queued || running_.contains(job.flare)) {
    return fail(ErrorCode::kExists, fmt::format("flare {} is {} already; submit it under an id of its own",
                                                job.flare.str(), queued ? "queued" : "running"));
  }
  auto& tenant = tenants_.of(job.namespace_name);
  const auto slots = job.demand.burst_size;
  if (queue_.empty() && tenant.has_room(slots)) {
    auto plan = packing::plan(job.demand, ledger_.invokers());
    if (plan) {
      reserve(job, tenant, *plan, now);
      return std::move(*plan);
    }
    if (plan.error().code != ErrorCode::kBusy) return std::unexpected(std::move(plan).error());
  } else {
    GUST_TRY_VOID(check(job, tenant));
  }

  const auto& request =
      queue_.add({.job = std::move(job), .tenant = &tenant, .submitted = now, .number = ++submitted_});
  if (queue_.size() == 1 && tenant.has_room(slots)) refused_ = request.number;
  std::optional<packing::Plan> plan;
  if (queue_.size() > 1 && may_fit(request.job.demand) && tenant.has_room(slots)) {
    Queue::Walk walk(queue_, tenants_, now);
    const auto* first = head(walk);
    if (first == &request) {
      plan = try_now(request);
      promise_.reset();
    } else if (first != nullptr && try_now(*first)) {
      changed_ = true;  // its turn comes with the next admit()
    } else if (first != nullptr) {
      Passing passing(promise_to(*first), ledger_);
      plan = try_passing(*first, request, passing, now);
    }
  }
  if (plan) {
    reserve(request.job, tenant, *plan, now);
    unqueue(request);
    changed_ = true;  // its namespace uses more now, and so perhaps another is next
    return std::move(*plan);
  }
  if (queue_.size() > queue_limit_) {
    unqueue(request);
    return fail(ErrorCode::kBusy,
                fmt::format("the queue is full (limit {}); submit again when flares have started, or raise the limit",
                            queue_limit_));
  }
  return std::nullopt;
}

std::vector<Start> Scheduler::admit(Moment now) {
  std::vector<Start> starts;
  if (now - looked_ >= kPatience) changed_ = true;
  if (changed_) looked_ = now;
  while (changed_ && !queue_.empty() && queue_.least_slots() <= totals().slots_free) {
    Queue::Walk walk(queue_, tenants_, now);
    const auto* first = head(walk);
    if (first == nullptr) break;  // all wait for quotas
    auto plan = try_now(*first);
    if (!plan) {
      const auto before = starts.size();
      pass_head(*first, walk, now, starts);
      if (starts.size() == before) break;
      continue;  // what passed has changed what its namespace uses, and so perhaps the order
    }
    promise_.reset();
    reserve(first->job, *first->tenant, *plan, now);
    starts.push_back({first->job.flare, std::move(*plan)});
    unqueue(*first);
  }
  changed_ = false;
  return starts;
}

void Scheduler::pass_head(const Request& head, Queue::Walk& walk, Moment now, std::vector<Start>& starts) {
  std::optional<Passing> passing;
  std::size_t looks = 0;
  while (const auto* request = walk.next()) {
    if (++looks > kMostLooks || queue_.least_slots() > totals().slots_free) return;
    if (!request->tenant->has_room(request->job.demand.burst_size)) {
      walk.skip_tenant();
      continue;
    }
    if (!may_fit(request->job.demand)) continue;
    if (!passing) passing.emplace(promise_to(head), ledger_);
    auto plan = try_passing(head, *request, *passing, now);
    if (!plan && passing->vain_plans > kMostVainPlans) return;
    if (!plan) continue;
    reserve(request->job, *request->tenant, *plan, now);
    starts.push_back({request->job.flare, std::move(*plan)});
    unqueue(*request);
    const auto vain_plans = passing->vain_plans;
    passing.emplace(promise_to(head), ledger_);
    passing->vain_plans = vain_plans;
  }
}

void Scheduler::release(const FlareId& flare, Moment now) {
  const auto running = running_.find(flare);
  if (running == running_.end()) return;
  for (auto& hold : running->second.holds) give_back(running->second, hold, now);
  running_.erase(running);
}

void Scheduler::release_pack(const FlareId& flare, PackId pack, Moment now) {
  const auto running = running_.find(flare);
  if (running == running_.end()) return;
  auto& reservation = running->second;
  GUST_CHECK(pack.value() < reservation.holds.size(), "the pack is one of the plan's");
  give_back(reservation, reservation.holds[pack.value()], now);
  if (reservation.open == 0) running_.erase(running);
}

bool Scheduler::cancel(const FlareId& flare) {
  const auto* request = queue_.find(flare);
  if (request == nullptr) return false;
  unqueue(*request);
  changed_ = true;
  return true;
}

std::optional<Place> Scheduler::place(const FlareId& flare, Moment now) const {
  const auto* wanted = queue_.find(flare);
  if (wanted == nullptr) return std::nullopt;
  Queue::Walk walk(queue_, tenants_, now);
  std::size_t position = 1;
  for (const auto* request = walk.next(); request != wanted; request = walk.next()) ++position;
  return place_of(*wanted, position);
}

std::vector<Waiting> Scheduler::queue(Moment now, std::size_t limit) const {
  std::vector<Waiting> result;
  result.reserve(std::min(limit, queue_.size()));
  Queue::Walk walk(queue_, tenants_, now);
  while (result.size() < limit) {
    const auto* request = walk.next();
    if (request == nullptr) break;
    const auto position = result.size() + 1;
    result.push_back({.job = request->job, .submitted = request->submitted, .place = place_of(*request, position)});
  }
  return result;
}

Result<void> Scheduler::check(const Job& job, const Tenant& tenant) const {
  GUST_TRY_VOID(packing::fits_when_empty(job.demand, ledger_.invokers()));
  if (job.demand.burst_size <= tenant.share.quota) return {};
  return fail(
      ErrorCode::kNeverFits,
      fmt::format("burst of {} workers needs as many slots; the quota of namespace {} is {}: {} short; use fewer "
                  "workers, or have the quota raised",
                  job.demand.burst_size, tenant.name, tenant.share.quota, job.demand.burst_size - tenant.share.quota));
}

/// The first that does not wait for its namespace's quota: those wait for their own kind, and keep nobody else.
const Request* Scheduler::head(Queue::Walk& walk) const {
  const Request* request = walk.next();
  while (request != nullptr && !request->tenant->has_room(request->job.demand.burst_size)) {
    walk.skip_tenant();
    request = walk.next();
  }
  return request;
}

std::optional<packing::Plan> Scheduler::try_now(const Request& request) {
  if (refused_ == request.number || !may_fit(request.job.demand)) return std::nullopt;
  auto plan = packing::plan(request.job.demand, ledger_.invokers());
  if (plan) return std::move(*plan);
  GUST_CHECK(plan.error().code == ErrorCode::kBusy, "what can never fit is not in the queue");
  refused_ = request.number;
  return std::nullopt;
}

const Promise& Scheduler::promise_to(const Request& head) {
  if (!promise_ || promise_->number != head.number) {
    promise_ = PromiseTo{.number = head.number, .promise = compute_promise(head)};
  }
  return promise_->promise;
}

Promise Scheduler::compute_promise(const Request& head) const {
  std::vector<const Reservation*> running;
  running.reserve(running_.size());
  for (const auto& [flare, reservation] : running_) running.push_back(&reservation);
  return promise(head.job.demand, std::move(running), ledger_);
}

std::optional<packing::Plan> Scheduler::try_passing(const Request& head, const Request& request, Passing& passing,
                                                    Moment now) {
  const auto& job = request.job;
  auto& promise = promise_->promise;
  const bool in_time = passing.ends_in_time(job, now);
  if (!in_time) {
    // It would hold its part of the quota when the head wants to start.
    const std::uint64_t both = std::uint64_t{job.demand.burst_size} + head.job.demand.burst_size;
    if (request.tenant == head.tenant && !request.tenant->has_room(both)) return std::nullopt;
    if (!passing.may_fit(job.demand)) return std::nullopt;
  }
  auto plan = packing::plan(job.demand, in_time ? ledger_.invokers() : passing.open());
  if (!plan) {
    ++passing.vain_plans;
    return std::nullopt;
  }
  if (!in_time) promise.take(*plan, job.demand.memory_per_pack, ledger_);
  return std::move(*plan);
}

void Scheduler::reserve(const Job& job, Tenant& tenant, const packing::Plan& plan, Moment now) {
  Reservation reservation{.tenant = &tenant,
                          .memory_per_pack = job.demand.memory_per_pack,
                          .ends = now + job.time_limit,
                          .holds = {},
                          .open = plan.size()};
  reservation.holds.reserve(plan.size());
  for (const auto& pack : plan) {
    ledger_.take(pack.invoker, pack.workers.count, job.demand.memory_per_pack);
    reservation.holds.push_back({pack.invoker, pack.workers.count});
  }
  tenants_.take(tenant, job.demand.burst_size, now);
  running_.emplace(job.flare, std::move(reservation));
}

Result<void> Scheduler::adopt(const Job& job, const packing::Plan& plan, std::span<const PackId> over, Moment now) {
  if (queue_.find(job.flare) != nullptr || running_.contains(job.flare)) {
    return fail(ErrorCode::kExists, fmt::format("flare {} is here already", job.flare.str()));
  }
  Tenant& tenant = tenants_.of(job.namespace_name);
  Reservation reservation{.tenant = &tenant,
                          .memory_per_pack = job.demand.memory_per_pack,
                          .ends = now + job.time_limit,
                          .holds = std::vector<Hold>(plan.size()),
                          .open = 0};
  std::uint32_t slots = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (std::ranges::find(over, PackId(static_cast<std::uint32_t>(i))) != over.end()) continue;
    if (!ledger_.try_take(plan[i].invoker, plan[i].workers.count, job.demand.memory_per_pack)) {
      for (const Hold& hold : reservation.holds) {
        if (hold.slots != 0) ledger_.give(hold.invoker, hold.slots, reservation.memory_per_pack);
      }
      return fail(ErrorCode::kUnavailable,
                  fmt::format("invoker {} has no room any more for what runs there", plan[i].invoker.value()));
    }
    reservation.holds[i] = {plan[i].invoker, plan[i].workers.count};
    slots += plan[i].workers.count;
    ++reservation.open;
  }
  if (reservation.open == 0) return {};
  tenants_.take(tenant, slots, now);
  running_.emplace(job.flare, std::move(reservation));
  promise_.reset();
  changed_ = true;
  return {};
}

void Scheduler::give_back(Reservation& reservation, Hold& hold, Moment now) {
  if (hold.slots == 0) return;
  ledger_.give(hold.invoker, hold.slots, reservation.memory_per_pack);
  tenants_.give(*reservation.tenant, hold.slots, now);
  if (promise_ && reservation.ends > promise_->promise.at) {
    promise_->promise.give(hold, reservation.memory_per_pack, ledger_);
  }
  hold.slots = 0;
  --reservation.open;
  freed();
}

void Scheduler::unqueue(const Request& request) {
  if (promise_ && promise_->number == request.number) promise_.reset();
  queue_.remove(request);
}

void Scheduler::freed() {
  refused_ = 0;
  changed_ = true;
}

/// Without looking at the invokers: most calls come for one pack of many that end, when nobody is near to fitting.
bool Scheduler::may_fit(const packing::Demand& demand) const {
  const auto least = packing::least_need(demand);
  return least.slots <= totals().slots_free && least.memory <= totals().memory_free;
}

Place Scheduler::place_of(const Request& request, std::size_t position) const {
  const auto slots = request.job.demand.burst_size;
  const auto& tenant = *request.tenant;
  Place place{.position = position, .reason = {}, .starts_by = {}};
  if (!tenant.has_room(slots)) {
    place.reason =
        fmt::format("namespace {} holds {} slots of its quota of {}; burst of {} workers needs {} more", tenant.name,
                    tenant.held, tenant.share.quota, slots, tenant.held + slots - tenant.share.quota);
  } else if (position > 1) {
    place.reason = ahead(position - 1);
  } else if (const auto plan = packing::plan(request.job.demand, ledger_.invokers()); plan) {
    place.reason = "it fits now and is about to start";
  } else {
    place.reason = plan.error().message;
    if (const auto& all = totals(); all.cordoned > 0) {
      place.reason += fmt::format("; {} of {} invokers are drained and take nothing new", all.cordoned, all.invokers);
    }
    const bool known = promise_ && promise_->number == request.number;
    const auto at = known ? promise_->promise.at : compute_promise(request).at;
    if (at != Promise::kNever) place.starts_by = at;
  }
  return place;
}

}  // namespace gust::scheduler
