#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <spdlog/spdlog.h>
#include <utility>

#include "controller/controller_impl.h"
#include "controller/orders.h"

namespace gust::controller {

namespace asio = boost::asio;
using store::FlareState;

Result<LogPage> ControllerImpl::log_page(const std::string& ns, const LogQuery& query) {
  if (const auto* id = std::get_if<FlareId>(&query.of)) {
    if (const ActiveFlare* active = active_.find(*id, ns)) return read_log_page(active->flare.record(), query.from);
    return read_log_page(*GUST_TRY(ended_.get_recent(ns, *id)), query.from);
  }
  const auto& id = std::get<ActivationId>(query.of);
  if (const ActiveFlare* active = active_.find(id, ns)) {
    const store::FlareRecord& record = active->flare.record();
    const auto found = std::ranges::find(record.activations, id, &store::ActivationRecord::id);
    return read_log_page(record, found->workers, query.from);
  }
  const store::ActivationView view = GUST_TRY(ended_.get_recent_activation(ns, id));
  return read_log_page(*view.flare, view.activation().workers, query.from);
}

Result<FlareTicket> ControllerImpl::admit(FlareRequest request) {
  if (shutting_down_) return fail(ErrorCode::kUnavailable, "the controller is shutting down");
  request.backend = GUST_TRY(backends_.choose(request.backend));
  auto active =
      std::make_unique<ActiveFlare>(FlareId(random_hex_id()), std::move(request), asio::any_io_executor(strand_));
  const scheduler::Admission plan = GUST_TRY(submit(active->flare.record()));
  ActiveFlare& added = active_.add(std::move(active));
  if (added.flare.record().backend != "tcp") added.peers.tell_all_ends();
  if (plan) {
    launch(added, *plan);
  } else {
    added.flare.queue(wall_now());
    keeper_.keep(added.flare);
  }
  FlareTicket ticket{.id = added.flare.id(), .activations = {}};
  for (const store::ActivationRecord& activation : added.flare.record().activations) {
    ticket.activations.push_back(activation.id);
  }
  start_admitted();  // it may have passed others, or changed whose turn it is
  return ticket;
}

scheduler::Job ControllerImpl::job_of(const store::FlareRecord& flare) {
  return {.flare = flare.run,
          .namespace_name = flare.namespace_name,
          .demand = {.burst_size = flare.burst_size,
                     .strategy = flare.strategy,
                     .granularity = flare.granularity,
                     .memory_per_pack = flare.action->limits.memory},
          .time_limit = flare.action->limits.timeout,
          .priority = flare.priority};
}

Result<scheduler::Admission> ControllerImpl::submit(const store::FlareRecord& flare) {
  if (!recovery_) return scheduler_.submit(job_of(flare), moment());
  if (recovery_->held().size() >= options_.policy.queue_limit) return fail(ErrorCode::kBusy, kStillAttaching);
  recovery_->held().push_back(flare.id);
  return std::nullopt;
}

// Once more from the start, where there is room. Its packs have ended.
void ControllerImpl::retry(ActiveFlare& active) {
  Flare& flare = active.flare;
  const std::string why = flare.record().cause->message;
  spdlog::info("flare {} starts again ({} of {} times): {}", flare.id().str(), flare.record().lost.size() + 1,
               flare.record().retries, why);
  active.time_limit.cancel();
  backends_.remove(flare.record());
  active.peers = PeerTable();
  if (flare.record().backend != "tcp") active.peers.tell_all_ends();
  keeper_.attempt_over(flare.record());
  metrics_.attempt_lost();
  flare.retry(wall_now());
  active_.add_run(flare.run(), flare.id());
  const auto plan = submit(flare.record());
  if (!plan) {
    const std::string sentence = fmt::format("{}; it cannot start again: {}", why, plan.error().message);
    flare.abort(FlareState::kFailed, Error{ErrorCode::kUnavailable, sentence}, wall_now());
    return end(FlareId(flare.id()));
  }
  *plan ? launch(active, **plan) : keeper_.keep(flare);
}

void ControllerImpl::launch(ActiveFlare& active, const packing::Plan& plan) {
  Flare& flare = active.flare;
  flare.reserve(plan, [this](InvokerId id) { return invokers_.find(id)->hello.name(); }, wall_now());
  for (auto& [invoker_id, order] : start_orders(flare, backends_.uri(flare.record().backend), options_.runtimes)) {
    Invoker* invoker = invokers_.find(invoker_id);
    for (const protocol::PackStart& pack : order->start_packs().packs()) {
      invoker->packs.emplace(flare.run(), PackId(pack.pack_id()));
    }
    send_code(*invoker, *flare.record().action);
    invoker->link->send(std::move(order));
  }
  flare.start(wall_now());
  if (flare.record().lost.size() == flare.record().retries) flare.drop_params();
  keeper_.keep(flare);
  limit_time(active, flare.record().action->limits.timeout);
}

void ControllerImpl::limit_time(ActiveFlare& active, std::chrono::microseconds left) {
  active.time_limit.expires_after(left);
  active.time_limit.async_wait([this, run = active.flare.run()](boost::system::error_code error) {
    ActiveFlare* late = error ? nullptr : active_.find_run(run);
    if (late == nullptr) return;
    const auto limit = late->flare.record().action->limits.timeout;
    stop(*late, FlareState::kTimedOut,
         {ErrorCode::kTimedOut, fmt::format("its time limit of {} ms passed before {} had finished; raise "
                                            "limits.timeout if that is not enough",
                                            limit.count(), late->flare.unfinished_workers())});
  });
}

void ControllerImpl::send_code(Invoker& invoker, const store::Action& action) {
  if (!action.code || invoker.code.use(action.code_digest)) return;
  const auto runs_there = [&](const std::string& digest) {
    return std::ranges::any_of(invoker.packs, [&](const auto& pack) {
      const ActiveFlare* active = active_.find_run(pack.first);
      return active != nullptr && active->flare.record().action->code_digest == digest;
    });
  };
  for (const std::string& digest : invoker.code.add(action.code_digest, Bytes(action.code->size()), runs_there)) {
    invoker.link->send(drop_order(digest));
  }
  for (MessagePtr& piece : code_orders(action.code_digest, *action.code)) invoker.link->send(std::move(piece));
}

// Ends a flare with this cause: at once if it waits, otherwise when its packs have been stopped.
void ControllerImpl::stop(ActiveFlare& active, FlareState outcome, Error cause) {
  Flare& flare = active.flare;
  const bool queued = flare.record().state == FlareState::kQueued;
  flare.abort(outcome, std::move(cause), wall_now());
  if (queued) {
    scheduler_.cancel(flare.run(), moment());
    end(FlareId(flare.id()));
    start_admitted();
    return;
  }
  keeper_.keep(flare);
  stop_packs(flare);
}

void ControllerImpl::stop_packs(const Flare& flare) {
  std::set<InvokerId> told;
  for (const store::PackRecord& pack : flare.record().packs) {
    if (pack.state == store::PackState::kEnded || !told.insert(pack.invoker).second) continue;
    // An invoker that is being lost is gone from the table before all of its packs are.
    if (Invoker* invoker = invokers_.find(pack.invoker)) {
      invoker->link->send(stop_order(flare.run(), flare.record().cause->message));
    }
  }
}

void ControllerImpl::release_pack(ActiveFlare& active, PackId pack) {
  const FlareId run = active.flare.run();
  if (Invoker* invoker = invokers_.find(active.flare.record().packs[pack.value()].invoker)) {
    invoker->packs.erase({run, pack});
    if (invoker->leaving && invoker->packs.empty()) invoker->link->send(release_order());
  }
  scheduler_.release_pack(run, pack, moment());
  if (!active.flare.all_packs_ended()) return;
  active.flare.may_retry() && !shutting_down_ ? retry(active) : end(FlareId(active.flare.id()));
}

void ControllerImpl::end(const FlareId& id) {
  std::unique_ptr<ActiveFlare> active = active_.take(id);
  active->flare.finish(wall_now());
  auto record = std::make_shared<const store::FlareRecord>(std::move(active->flare).release());
  spdlog::info("flare {} of {} {}{}", record->id.str(), record->action->qualified_name(), to_string(record->state),
               record->cause ? ": " + record->cause->message : "");
  backends_.remove(*record);
  ended_.add(record);
  keeper_.ended(*record);
  metrics_.flare_ended(*record);
  for (Waiter& waiter : active->waiters) waiter.done(record);
  hurry_shutdown_when_idle();
}

// What the queue lets through after something was freed.
void ControllerImpl::start_admitted() {
  for (const scheduler::Start& start : scheduler_.admit(moment())) {
    if (ActiveFlare* active = active_.find_run(start.flare)) launch(*active, start.plan);
  }
}

void ControllerImpl::wait(const std::string& namespace_name, const FlareId& id, SteadyTime deadline,
                          Callback<store::FlarePtr> done) {
  ActiveFlare* active = active_.find(id, namespace_name);
  if (active == nullptr) return done(ended_.get_recent(namespace_name, id));
  const auto waiter = active->waiters.emplace(active->waiters.end(), std::move(done), asio::steady_timer(strand_));
  waiter->deadline.expires_at(deadline);
  waiter->deadline.async_wait([this, id, waiter](boost::system::error_code error) {
    ActiveFlare* waited = error ? nullptr : active_.find(id);
    if (waited == nullptr) return;
    Callback<store::FlarePtr> late = std::move(waiter->done);
    waited->waiters.erase(waiter);
    late(fail(ErrorCode::kTimedOut, fmt::format("flare {} has not ended yet", id.str())));
  });
}

FlareSnapshot ControllerImpl::snapshot(const ActiveFlare& active, Detail detail) {
  const auto now = moment();
  return snapshot(active, detail, scheduler_.place(active.flare.run(), now), now);
}

FlareSnapshot ControllerImpl::snapshot(const ActiveFlare& active, Detail detail,
                                       const std::optional<scheduler::Place>& place, scheduler::Moment now) {
  FlareSnapshot entry{.flare = copy_record(active.flare.record(), detail), .queue_position = 0, .queue_reason = {}};
  if (!place) return entry;
  entry.queue_position = static_cast<std::uint32_t>(place->position);
  entry.queue_reason = place->reason;
  if (place->starts_by) entry.starts_within = std::max(*place->starts_by - now, scheduler::Moment(0));
  return entry;
}

std::vector<FlareSnapshot> ControllerImpl::waiting(const std::string& namespace_name) {
  std::vector<FlareSnapshot> list;
  const auto now = moment();
  for (const scheduler::Waiting& entry : scheduler_.queue(now)) {
    const ActiveFlare* active = active_.find_run(entry.job.flare);
    if (active == nullptr || active->flare.record().namespace_name != namespace_name) continue;
    list.push_back(snapshot(*active, Detail::kSummary, entry.place, now));
  }
  if (!recovery_) return list;
  for (std::size_t i = 0; i < recovery_->held().size(); ++i) {
    const ActiveFlare* active = active_.find(recovery_->held()[i], namespace_name);
    if (active == nullptr) continue;
    const scheduler::Place place{.position = i + 1, .reason = kStillAttaching, .starts_by = {}};
    list.push_back(snapshot(*active, Detail::kSummary, place, now));
  }
  return list;
}

}  // namespace gust::controller
