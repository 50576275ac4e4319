#include "controller/controller.h"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <fmt/format.h>
#include <set>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <utility>

#include "base/check.h"
#include "controller/active_flares.h"
#include "controller/backends.h"
#include "controller/decision_record.h"
#include "controller/flare.h"
#include "controller/gateway.h"
#include "controller/invokers.h"
#include "controller/orders.h"
#include "scheduler/journal.h"

namespace gust::controller {

namespace asio = boost::asio;
using store::FlareState;

namespace {

std::chrono::microseconds process_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

/// The scheduler's time: steady, so that a step of the wall clock changes nobody's turn.
scheduler::Moment moment() {
  return std::chrono::duration_cast<scheduler::Moment>(std::chrono::steady_clock::now().time_since_epoch());
}

std::unexpected<Error> no_such_flare(const FlareId& id) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no flare {}", id.str()));
}

class ControllerImpl final : public Controller {
 public:
  ControllerImpl(asio::io_context& io, ControllerOptions options, store::FlareStore& flares)
      : strand_(asio::make_strand(io)),
        options_(std::move(options)),
        ended_(flares),
        backends_(options_.backends, options_.backend_directory),
        scheduler_(options_.policy),
        invokers_(options_.registrar ? InvokerTable::Proof::kCertificate : InvokerTable::Proof::kToken,
                  options_.join_token),
        shutdown_timer_(strand_) {}

  Result<void> listen() {
    if (!options_.record_file.empty()) {
      record_ = GUST_TRY(DecisionRecord::create(options_.record_file, options_.record_limit));
      scheduler_.tell([this](std::string_view line) { record_->add(line); });
    }
    GatewayEvents events;
    events.hello = [this](const LinkPtr& link, protocol::Hello hello) {
      asio::post(strand_, [this, link, hello = std::move(hello)]() mutable { join(link, std::move(hello)); });
    };
    events.reports = [this](const LinkPtr& link, std::unique_ptr<protocol::Reports> reports) {
      asio::post(strand_, [this, link, reports = std::move(reports)] { take_reports(link, *reports); });
    };
    events.lost = [this](const LinkPtr& link) {
      asio::post(strand_, [this, link] {
        if (Invoker* invoker = invokers_.find(link)) lose_invoker(*invoker);
      });
    };
    events.certified = [this](const std::string& name, WallTime ends) {
      asio::post(strand_, [this, name, ends] {
        if (Invoker* invoker = invokers_.find(name); invoker != nullptr && invoker->hello.name() == name) {
          invoker->certificate_ends = ends;
        }
      });
    };
    gateway_ = GUST_TRY(Gateway::listen(options_.invoker_listen, options_.invoker_silence, std::move(events),
                                        options_.registrar.get()));
    return {};
  }

  void start_flare(FlareRequest request, Callback<FlareTicket> done) override {
    asio::post(strand_, [this, request = std::move(request), done = std::move(done)]() mutable {
      done(admit(std::move(request)));
    });
  }

  void wait_flare(std::string namespace_name, FlareId id, SteadyTime deadline,
                  Callback<store::FlarePtr> done) override {
    asio::post(strand_, [this, ns = std::move(namespace_name), id = std::move(id), deadline,
                         done = std::move(done)]() mutable { wait(ns, id, deadline, std::move(done)); });
  }

  void get_flare(std::string namespace_name, FlareId id, Detail detail, Callback<FlareSnapshot> done) override {
    asio::post(strand_,
               [this, ns = std::move(namespace_name), id = std::move(id), detail, done = std::move(done)]() mutable {
                 if (ActiveFlare* active = active_.find(id, ns)) return done(snapshot(*active, detail));
                 Result<store::FlarePtr> ended = ended_.get_recent(ns, id);
                 if (!ended) return done(std::unexpected(std::move(ended).error()));
                 done(FlareSnapshot{.flare = std::move(*ended), .queue_position = 0, .queue_reason = {}});
               });
  }

  void list_active(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) override {
    asio::post(strand_, [this, ns = std::move(namespace_name), done = std::move(done)]() mutable {
      std::vector<FlareSnapshot> list = waiting(ns);
      for (const FlareId& id : active_.ids()) {
        ActiveFlare* active = active_.find(id, ns);
        if (active == nullptr || active->flare.record().state == FlareState::kQueued) continue;
        list.push_back(snapshot(*active, Detail::kSummary));
      }
      std::ranges::sort(list, std::ranges::greater{},
                        [](const FlareSnapshot& entry) { return entry.flare->stamps.received; });
      done(std::move(list));
    });
  }

  void read_logs(std::string namespace_name, LogQuery query, Callback<LogPage> done) override {
    asio::post(strand_, [this, ns = std::move(namespace_name), query = std::move(query),
                         done = std::move(done)]() mutable { done(log_page(ns, query)); });
  }

  void cancel_flare(std::string namespace_name, FlareId id, Callback<store::FlarePtr> done) override {
    asio::post(strand_, [this, ns = std::move(namespace_name), id = std::move(id), done = std::move(done)]() mutable {
      ActiveFlare* active = active_.find(id, ns);
      if (active == nullptr) return done(no_such_flare(id));
      active->waiters.push_back({std::move(done), asio::steady_timer(strand_)});
      stop(*active, FlareState::kCancelled, {ErrorCode::kCancelled, "cancelled by its user"});
    });
  }

  void list_queue(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) override {
    asio::post(strand_,
               [this, ns = std::move(namespace_name), done = std::move(done)]() mutable { done(waiting(ns)); });
  }

  void set_use(std::string invoker, InvokerUse use, Callback<InvokerStatus> done) override {
    asio::post(strand_, [this, name = std::move(invoker), use, done = std::move(done)]() mutable {
      const Invoker* found = invokers_.find(name);
      if (found == nullptr) {
        return done(
            fail(ErrorCode::kNotFound, fmt::format("there is no invoker '{}'; gust status lists names and ids", name)));
      }
      use == InvokerUse::kDrained ? scheduler_.drain(found->id, moment()) : scheduler_.uncordon(found->id, moment());
      spdlog::info("invoker {} ({}) {}", found->id.value(), found->hello.name(),
                   use == InvokerUse::kDrained ? "is drained" : "takes packs again");
      start_admitted();
      const auto all = current_status().invokers;
      done(*std::ranges::find(all, found->id, &InvokerStatus::id));
    });
  }

  void status(Callback<Status> done) override {
    asio::post(strand_, [this, done = std::move(done)]() mutable { done(current_status()); });
  }

  void distribute(store::ActionPtr action) override {
    asio::post(strand_, [this, action = std::move(action)] {
      for (auto& [id, invoker] : invokers_.all()) send_code(invoker, *action);
    });
  }

  [[nodiscard]] std::string invoker_address() const override { return gateway_->address(); }

  void shut_down(std::move_only_function<void()> done) override {
    asio::post(strand_, [this, done = std::move(done)]() mutable {
      shutting_down_ = true;
      shutdown_timer_.expires_after(std::chrono::seconds(2));
      shutdown_timer_.async_wait([this, done = std::move(done)](boost::system::error_code) mutable {
        close_links();
        done();
      });
      for (const FlareId& id : active_.ids()) {
        if (ActiveFlare* active = active_.find(id)) {
          stop(*active, FlareState::kCancelled, {ErrorCode::kCancelled, "the controller is shutting down"});
        }
      }
      hurry_shutdown_when_idle();
    });
  }

 private:
  // Flares

  Result<LogPage> log_page(const std::string& ns, const LogQuery& query) {
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

  Result<FlareTicket> admit(FlareRequest request) {
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
    }
    FlareTicket ticket{.id = added.flare.id(), .activations = {}};
    for (const store::ActivationRecord& activation : added.flare.record().activations) {
      ticket.activations.push_back(activation.id);
    }
    start_admitted();  // it may have passed others, or changed whose turn it is
    return ticket;
  }

  Result<scheduler::Admission> submit(const store::FlareRecord& flare) {
    return scheduler_.submit({.flare = flare.run,
                              .namespace_name = flare.namespace_name,
                              .demand = {.burst_size = flare.burst_size,
                                         .strategy = flare.strategy,
                                         .granularity = flare.granularity,
                                         .memory_per_pack = flare.action->limits.memory},
                              .time_limit = flare.action->limits.timeout,
                              .priority = flare.priority},
                             moment());
  }

  // Once more from the start, where there is room. Its packs have ended.
  void retry(ActiveFlare& active) {
    Flare& flare = active.flare;
    const std::string why = flare.record().cause->message;
    spdlog::info("flare {} starts again ({} of {} times): {}", flare.id().str(), flare.record().lost.size() + 1,
                 flare.record().retries, why);
    active.time_limit.cancel();
    backends_.remove(flare.record());
    active.peers = PeerTable();
    if (flare.record().backend != "tcp") active.peers.tell_all_ends();
    flare.retry(wall_now());
    active_.add_run(flare.run(), flare.id());
    const auto plan = submit(flare.record());
    if (!plan) {
      const std::string sentence = fmt::format("{}; it cannot start again: {}", why, plan.error().message);
      flare.abort(FlareState::kFailed, Error{ErrorCode::kUnavailable, sentence}, wall_now());
      return end(FlareId(flare.id()));
    }
    if (*plan) launch(active, **plan);
  }

  void launch(ActiveFlare& active, const packing::Plan& plan) {
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
    active.time_limit.expires_after(flare.record().action->limits.timeout);
    active.time_limit.async_wait([this, run = flare.run()](boost::system::error_code error) {
      ActiveFlare* late = error ? nullptr : active_.find_run(run);
      if (late == nullptr) return;
      const auto limit = late->flare.record().action->limits.timeout;
      stop(*late, FlareState::kTimedOut,
           {ErrorCode::kTimedOut, fmt::format("its time limit of {} ms passed before {} had finished; raise "
                                              "limits.timeout if that is not enough",
                                              limit.count(), late->flare.unfinished_workers())});
    });
  }

  void send_code(Invoker& invoker, const store::Action& action) {
    if (!action.code || !invoker.code.insert(action.code_digest).second) return;
    for (MessagePtr& piece : code_orders(action.code_digest, *action.code)) invoker.link->send(std::move(piece));
  }

  // Ends a flare with this cause: at once if it waits, otherwise when its packs have been stopped.
  void stop(ActiveFlare& active, FlareState outcome, Error cause) {
    Flare& flare = active.flare;
    const bool queued = flare.record().state == FlareState::kQueued;
    flare.abort(outcome, std::move(cause), wall_now());
    if (queued) {
      scheduler_.cancel(flare.run(), moment());
      end(FlareId(flare.id()));
      start_admitted();
      return;
    }
    stop_packs(flare);
  }

  void stop_packs(const Flare& flare) {
    std::set<InvokerId> told;
    for (const store::PackRecord& pack : flare.record().packs) {
      if (pack.state == store::PackState::kEnded || !told.insert(pack.invoker).second) continue;
      // An invoker that is being lost is gone from the table before all of its packs are.
      if (Invoker* invoker = invokers_.find(pack.invoker)) {
        invoker->link->send(stop_order(flare.run(), flare.record().cause->message));
      }
    }
  }

  void release_pack(ActiveFlare& active, PackId pack) {
    const FlareId run = active.flare.run();
    if (Invoker* invoker = invokers_.find(active.flare.record().packs[pack.value()].invoker)) {
      invoker->packs.erase({run, pack});
    }
    scheduler_.release_pack(run, pack, moment());
    if (!active.flare.all_packs_ended()) return;
    active.flare.may_retry() && !shutting_down_ ? retry(active) : end(FlareId(active.flare.id()));
  }

  void end(const FlareId& id) {
    std::unique_ptr<ActiveFlare> active = active_.take(id);
    active->flare.finish(wall_now());
    auto record = std::make_shared<const store::FlareRecord>(std::move(active->flare).release());
    spdlog::info("flare {} of {} {}{}", record->id.str(), record->action->qualified_name(), to_string(record->state),
                 record->cause ? ": " + record->cause->message : "");
    backends_.remove(*record);
    ended_.add(record);
    for (Waiter& waiter : active->waiters) waiter.done(record);
    hurry_shutdown_when_idle();
  }

  // What the queue lets through after something was freed.
  void start_admitted() {
    for (const scheduler::Start& start : scheduler_.admit(moment())) {
      if (ActiveFlare* active = active_.find_run(start.flare)) launch(*active, start.plan);
    }
  }

  void wait(const std::string& namespace_name, const FlareId& id, SteadyTime deadline, Callback<store::FlarePtr> done) {
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

  FlareSnapshot snapshot(const ActiveFlare& active, Detail detail) {
    const auto now = moment();
    return snapshot(active, detail, scheduler_.place(active.flare.run(), now), now);
  }

  static FlareSnapshot snapshot(const ActiveFlare& active, Detail detail, const std::optional<scheduler::Place>& place,
                                scheduler::Moment now) {
    FlareSnapshot entry{.flare = copy_record(active.flare.record(), detail), .queue_position = 0, .queue_reason = {}};
    if (!place) return entry;
    entry.queue_position = static_cast<std::uint32_t>(place->position);
    entry.queue_reason = place->reason;
    if (place->starts_by) entry.starts_within = std::max(*place->starts_by - now, scheduler::Moment(0));
    return entry;
  }

  std::vector<FlareSnapshot> waiting(const std::string& namespace_name) {
    std::vector<FlareSnapshot> list;
    const auto now = moment();
    for (const scheduler::Waiting& entry : scheduler_.queue(now)) {
      const ActiveFlare* active = active_.find_run(entry.job.flare);
      if (active == nullptr || active->flare.record().namespace_name != namespace_name) continue;
      list.push_back(snapshot(*active, Detail::kSummary, entry.place, now));
    }
    return list;
  }

  // Invokers

  void join(const LinkPtr& link, protocol::Hello hello) {
    if (shutting_down_) return link->close(CloseReason::kShutDown, "the controller is shutting down");
    if (const auto refusal = invokers_.refuse(hello, link->peer())) {
      spdlog::warn("refused: {}", refusal->sentence);
      return link->close(refusal->reason, refusal->sentence);
    }
    if (Invoker* earlier = invokers_.find_earlier(hello)) lose_invoker(*earlier);
    Invoker& invoker = invokers_.add(link, std::move(hello), wall_now());
    if (link->peer()) invoker.certificate_ends = link->peer()->ends;
    auto message = std::make_shared<protocol::ControllerMessage>();
    message->mutable_welcome()->set_protocol_version(invoker.hello.protocol_version());
    message->mutable_welcome()->set_invoker_id(invoker.id.value());
    link->send(std::move(message));
    spdlog::info("invoker {} ({}) joined with {} slots, {}", invoker.id.value(), invoker.hello.name(),
                 invoker.hello.slots(), to_string(Bytes(invoker.hello.memory_bytes())));
    const auto added =
        scheduler_.add_invoker(invoker.id, invoker.hello.slots(), Bytes(invoker.hello.memory_bytes()), moment());
    GUST_CHECK(added.has_value(), "an invoker that was let in has a free id and slots");
    start_admitted();
  }

  void lose_invoker(Invoker& invoker) {
    const std::string why = fmt::format("invoker {} ({}) was lost", invoker.id.value(), invoker.hello.name());
    spdlog::warn("{}", why);
    const auto packs = std::move(invoker.packs);
    const LinkPtr link = invoker.link;
    const InvokerId id = invoker.id;
    invokers_.remove(id);
    link->close(CloseReason::kShutDown, "another stream of this invoker took over");
    const scheduler::Loss loss = scheduler_.remove_invoker(id, moment());  // first: flares may start again elsewhere
    for (const auto& [run, pack] : packs) {
      ActiveFlare* active = active_.find_run(run);
      if (active == nullptr) continue;
      const bool was_failing = active->flare.is_failing();
      if (active->flare.lose_pack(pack, why, wall_now()) != Flare::Effect::kPackEnded) continue;
      if (!was_failing) stop_packs(active->flare);
      release_pack(*active, pack);
    }
    for (const scheduler::Refused& refused : loss.refused) {
      if (ActiveFlare* active = active_.find_run(refused.flare)) {
        active->flare.abort(FlareState::kFailed, refused.error, wall_now());
        end(FlareId(active->flare.id()));
      }
    }
    start_admitted();
  }

  void take_reports(const LinkPtr& link, const protocol::Reports& reports) {
    Invoker* invoker = invokers_.find(link);
    if (invoker == nullptr) return;
    if (reports.has_prewarmed()) invoker->prewarmed = reports.prewarmed();
    std::set<FlareId> concerned;
    for (const protocol::PackReport& report : reports.packs()) {
      take_report(invoker->id, report);
      if (!report.peer_address().empty() || report.has_ended()) concerned.insert(FlareId(report.flare_id()));
    }
    for (const FlareId& id : concerned) {
      if (ActiveFlare* active = active_.find_run(id)) tell_peers(*active);
    }
    start_admitted();
  }

  void take_report(InvokerId from, const protocol::PackReport& report) {
    ActiveFlare* active = active_.find_run(FlareId(report.flare_id()));
    if (active == nullptr) return;
    const bool was_failing = active->flare.is_failing();
    const auto effect = active->flare.apply(from, report, wall_now());
    if (!effect) {
      spdlog::warn("report of invoker {} on flare {}: {}", from.value(), report.flare_id(), effect.error().message);
      return;
    }
    if (!was_failing && active->flare.is_failing()) stop_packs(active->flare);
    active->peers.take(report);
    if (*effect == Flare::Effect::kPackEnded) release_pack(*active, PackId(report.pack_id()));
  }

  void tell_peers(ActiveFlare& active) {
    const std::vector<protocol::Peer> news = active.peers.take_news();
    if (news.empty()) return;
    const MessagePtr order = peer_order(active.flare.run(), news);
    std::set<InvokerId> told;
    for (const store::PackRecord& pack : active.flare.record().packs) {
      if (pack.state == store::PackState::kEnded || !told.insert(pack.invoker).second) continue;
      if (Invoker* invoker = invokers_.find(pack.invoker)) invoker->link->send(order);
    }
  }

  Status current_status() {
    Status status;
    for (std::size_t i = 0; i < scheduler_.invokers().size(); ++i) {
      const packing::Capacity load = scheduler_.load(i);
      const Invoker* invoker = invokers_.find(load.invoker);
      status.invokers.push_back({.id = invoker->id,
                                 .name = invoker->hello.name(),
                                 .driver = invoker->hello.driver(),
                                 .pid = invoker->hello.pid(),
                                 .slots = load.total_slots,
                                 .free_slots = load.free_slots,
                                 .memory = load.total_memory,
                                 .free_memory = load.free_memory,
                                 .packs = static_cast<std::uint32_t>(invoker->packs.size()),
                                 .prewarmed = invoker->prewarmed,
                                 .drained = scheduler_.is_cordoned(i),
                                 .certificate_ends = invoker->certificate_ends,
                                 .joined = invoker->joined});
    }
    std::ranges::sort(status.invokers, {}, &InvokerStatus::id);
    status.queued_flares = static_cast<std::uint32_t>(scheduler_.queued());
    status.active_flares = static_cast<std::uint32_t>(active_.size()) - status.queued_flares;
    status.cpu = process_cpu();
    return status;
  }

  // Shutting down

  void hurry_shutdown_when_idle() {
    if (shutting_down_ && active_.size() == 0) shutdown_timer_.cancel();
  }

  void close_links() {
    for (auto& [id, invoker] : invokers_.all()) {
      invoker.link->close(CloseReason::kShutDown, "the controller is shutting down");
    }
  }

  asio::strand<asio::io_context::executor_type> strand_;
  ControllerOptions options_;
  store::FlareStore& ended_;
  Backends backends_;
  scheduler::Journal scheduler_;
  InvokerTable invokers_;
  std::unique_ptr<DecisionRecord> record_;  // null when there is none
  ActiveFlares active_;
  asio::steady_timer shutdown_timer_;
  bool shutting_down_ = false;
  std::unique_ptr<Gateway> gateway_;  // last: its events use the rest
};

}  // namespace

Result<std::unique_ptr<Controller>> Controller::create(asio::io_context& io, ControllerOptions options,
                                                       store::FlareStore& flares) {
  auto controller = std::make_unique<ControllerImpl>(io, std::move(options), flares);
  GUST_TRY_VOID(controller->listen());
  return controller;
}

}  // namespace gust::controller
