#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

#include "controller/controller_impl.h"

namespace gust::controller {

namespace asio = boost::asio;
using store::FlareState;

namespace {

// In this time an invoker that has lost its controller looks for it twice at the least.
constexpr std::chrono::milliseconds kSettleTime{750};

std::chrono::microseconds time_left(const store::FlareRecord& flare) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(wall_now() - flare.stamps.reserved);
  return std::max<std::chrono::microseconds>(flare.action->limits.timeout - since, std::chrono::seconds(0));
}

}  // namespace

void ControllerImpl::restore(std::vector<store::OpenFlare> left) {
  if (left.empty()) return;
  for (store::OpenFlare& open : left) {
    ActiveFlare& added = active_.add(std::make_unique<ActiveFlare>(std::move(open), asio::any_io_executor(strand_)));
    const store::FlareRecord& record = added.flare.record();
    if (record.backend != "tcp") added.peers.tell_all_ends();
    if (record.run != record.id) active_.add_run(record.run, record.id);
    if (record.state != FlareState::kQueued) limit_time(added, time_left(record));
  }
  recovery_.emplace(active_);
  const SteadyTime now = std::chrono::steady_clock::now();
  recovery_ends_ = now + options_.invoker_silence;
  wait_for_invokers(recovery_->is_attaching() ? std::min(now + kSettleTime, recovery_ends_) : recovery_ends_);
  spdlog::info("{} flares of the controller before go on; their invokers have {} ms to come back", active_.size(),
               options_.invoker_silence.count());
}

void ControllerImpl::wait_for_invokers(SteadyTime until) {
  recovery_timer_.expires_at(until);
  recovery_timer_.async_wait([this, until](boost::system::error_code error) {
    if (error || !recovery_) return;
    if (until >= recovery_ends_) return stop_attaching();
    const bool was_attaching = is_attaching();
    recovery_->settle();
    wait_for_invokers(recovery_ends_);
    if (was_attaching && !is_attaching()) plan_again();
  });
}

void ControllerImpl::stop_attaching() {
  const bool was_attaching = is_attaching();
  lose_packs(recovery_->stop_waiting(), "its invoker did not come back to the controller that was started again");
  if (was_attaching) plan_again();
  submit_held(Patience::kNone);
  start_admitted();
}

// All that runs is known: the scheduler is told of it, and packs where the others are.
void ControllerImpl::plan_again() {
  for (const auto& [id, invoker] : invokers_.all()) open_to_flares(invoker);
  for (const FlareId& id : active_.ids()) {
    ActiveFlare* active = active_.find(id);
    if (active == nullptr || active->flare.record().packs.empty()) continue;
    tell_peers(*active);
    const store::FlareRecord& record = active->flare.record();
    packing::Plan plan;
    std::vector<PackId> over;
    for (const store::PackRecord& pack : record.packs) {
      const PackId pack_id(static_cast<std::uint32_t>(plan.size()));
      if (pack.state == store::PackState::kEnded || recovery_->is_over(record.run, pack_id)) over.push_back(pack_id);
      plan.push_back({pack.invoker, pack.workers});
    }
    scheduler::Job job = job_of(record);
    job.time_limit = time_left(record);
    if (const auto adopted = scheduler_.adopt(job, plan, over, moment()); !adopted) {
      stop(*active, FlareState::kFailed, adopted.error());
    }
  }
  submit_held(Patience::kMore);
  start_admitted();
}

// One that does not fit into the invokers of now may into those that are still to come.
void ControllerImpl::submit_held(Patience patience) {
  if (!recovery_) return;
  for (auto& held = recovery_->held(); !held.empty(); held.pop_front()) {
    ActiveFlare* active = active_.find(held.front());
    if (active == nullptr) continue;
    const auto plan = scheduler_.submit(job_of(active->flare.record()), moment());
    if (!plan && patience == Patience::kMore) return;
    if (!plan) {
      active->flare.abort(FlareState::kFailed, plan.error(), wall_now());
      end(FlareId(active->flare.id()));
    } else if (*plan) {
      launch(*active, **plan);
    }
  }
  recovery_.reset();
  recovery_timer_.cancel();
}

}  // namespace gust::controller
