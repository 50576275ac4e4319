#include "controller/controller.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "controller/controller_impl.h"
#include "controller/status.h"

namespace gust::controller {

namespace asio = boost::asio;
using store::FlareState;

ControllerImpl::ControllerImpl(asio::io_context& io, ControllerOptions options, const store::Stores& stores)
    : strand_(asio::make_strand(io)),
      options_(std::move(options)),
      ended_(stores.flares),
      drains_(stores.drains),
      backends_(options_.backends, options_.backend_directory),
      scheduler_(options_.policy),
      invokers_(options_.registrar ? InvokerTable::Proof::kCertificate : InvokerTable::Proof::kToken,
                options_.join_token),
      keeper_(strand_, stores, invokers_),
      recovery_timer_(strand_),
      shutdown_timer_(strand_) {
  restore(stores.open_flares.take_left());
}

Result<void> ControllerImpl::listen() {
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
  events.leaving = [this](const LinkPtr& link) {
    asio::post(strand_, [this, link] {
      if (Invoker* invoker = invokers_.find(link)) let_go(*invoker);
    });
  };
  events.lost = [this](const LinkPtr& link) {
    asio::post(strand_, [this, link] {
      Invoker* invoker = leaving_ ? nullptr : invokers_.find(link);
      if (invoker != nullptr) lose_invoker(*invoker);
    });
  };
  events.certified = [this](const std::string& name, WallTime ends) {
    asio::post(strand_, [this, name, ends] {
      if (Invoker* invoker = invokers_.find(name); invoker != nullptr && invoker->hello.name() == name) {
        invoker->certificate_ends = ends;
      }
    });
  };
  gateway_ = GUST_TRY(
      Gateway::listen(options_.invoker_listen, options_.invoker_silence, std::move(events), options_.registrar.get()));
  return {};
}

void ControllerImpl::start_flare(FlareRequest request, Callback<FlareTicket> done) {
  asio::post(strand_, [this, request = std::move(request), done = std::move(done)]() mutable {
    done(admit(std::move(request)));
  });
}

void ControllerImpl::wait_flare(std::string namespace_name, FlareId id, SteadyTime deadline,
                                Callback<store::FlarePtr> done) {
  asio::post(strand_, [this, ns = std::move(namespace_name), id = std::move(id), deadline,
                       done = std::move(done)]() mutable { wait(ns, id, deadline, std::move(done)); });
}

void ControllerImpl::get_flare(std::string namespace_name, FlareId id, Detail detail, Callback<FlareSnapshot> done) {
  asio::post(strand_,
             [this, ns = std::move(namespace_name), id = std::move(id), detail, done = std::move(done)]() mutable {
               if (ActiveFlare* active = active_.find(id, ns)) return done(snapshot(*active, detail));
               Result<store::FlarePtr> ended = ended_.get_recent(ns, id);
               if (!ended) return done(std::unexpected(std::move(ended).error()));
               done(FlareSnapshot{.flare = std::move(*ended), .queue_position = 0, .queue_reason = {}});
             });
}

void ControllerImpl::list_active(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) {
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

void ControllerImpl::read_logs(std::string namespace_name, LogQuery query, Callback<LogPage> done) {
  asio::post(strand_, [this, ns = std::move(namespace_name), query = std::move(query),
                       done = std::move(done)]() mutable { done(log_page(ns, query)); });
}

void ControllerImpl::cancel_flare(std::string namespace_name, FlareId id, Callback<store::FlarePtr> done) {
  asio::post(strand_, [this, ns = std::move(namespace_name), id = std::move(id), done = std::move(done)]() mutable {
    ActiveFlare* active = active_.find(id, ns);
    if (active == nullptr) {
      return done(fail(ErrorCode::kNotFound, fmt::format("there is no flare {}", id.str())));
    }
    active->waiters.push_back({std::move(done), asio::steady_timer(strand_)});
    stop(*active, FlareState::kCancelled, {ErrorCode::kCancelled, "cancelled by its user"});
  });
}

void ControllerImpl::list_queue(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) {
  asio::post(strand_, [this, ns = std::move(namespace_name), done = std::move(done)]() mutable { done(waiting(ns)); });
}

void ControllerImpl::set_use(std::string invoker, InvokerUse use, Callback<InvokerStatus> done) {
  asio::post(strand_, [this, name = std::move(invoker), use, done = std::move(done)]() mutable {
    const Invoker* found = invokers_.find(name);
    if (found == nullptr) {
      return done(
          fail(ErrorCode::kNotFound, fmt::format("there is no invoker '{}'; gust status lists names and ids", name)));
    }
    if (is_attaching()) return done(fail(ErrorCode::kUnavailable, kStillAttaching));
    if (use == InvokerUse::kDrained) {
      store::Drain drain;
      drain.name = found->hello.name();
      (void)drains_.put(std::move(drain), store::Overwrite::kYes);
      scheduler_.drain(found->id, moment());
    } else {
      (void)drains_.remove({}, found->hello.name());  // there may be none
      scheduler_.uncordon(found->id, moment());
    }
    spdlog::info("invoker {} ({}) {}", found->id.value(), found->hello.name(),
                 use == InvokerUse::kDrained ? "is drained" : "takes packs again");
    start_admitted();
    const auto all = invoker_statuses(invokers_, scheduler_);
    done(*std::ranges::find(all, found->id, &InvokerStatus::id));
  });
}

Status ControllerImpl::status_now() {
  const auto queued = static_cast<std::uint32_t>(scheduler_.queued() + (recovery_ ? recovery_->held().size() : 0));
  return {.invokers = invoker_statuses(invokers_, scheduler_),
          .queued_flares = queued,
          .active_flares = static_cast<std::uint32_t>(active_.size()) - queued,
          .not_ready = shutting_down_   ? "it shuts down"
                       : is_attaching() ? std::string(kStillAttaching)
                                        : "",
          .cpu = process_cpu()};
}

void ControllerImpl::status(Callback<Status> done) {
  asio::post(strand_, [this, done = std::move(done)]() mutable { done(status_now()); });
}

void ControllerImpl::metrics(Callback<std::string> done) {
  asio::post(strand_, [this, done = std::move(done)]() mutable { done(metrics_.text(status_now())); });
}

void ControllerImpl::distribute(store::ActionPtr action) {
  asio::post(strand_, [this, action = std::move(action)] {
    for (auto& [id, invoker] : invokers_.all()) send_code(invoker, *action);
  });
}

void ControllerImpl::shut_down(OpenFlares flares, std::move_only_function<void()> done) {
  asio::post(strand_, [this, flares, done = std::move(done)]() mutable {
    shutting_down_ = true;
    shutdown_timer_.expires_after(std::chrono::seconds(2));
    shutdown_timer_.async_wait([this, done = std::move(done)](boost::system::error_code) mutable {
      close_links();
      done();
    });
    if (flares == OpenFlares::kLeave && !keeper_.state_name().empty()) {
      leaving_ = true;
      shutdown_timer_.cancel();
      return;
    }
    for (const FlareId& id : active_.ids()) {
      if (ActiveFlare* active = active_.find(id)) {
        stop(*active, FlareState::kCancelled, {ErrorCode::kCancelled, "the controller is shutting down"});
      }
    }
    hurry_shutdown_when_idle();
  });
}

void ControllerImpl::hurry_shutdown_when_idle() {
  if (shutting_down_ && active_.size() == 0) shutdown_timer_.cancel();
}

void ControllerImpl::close_links() {
  for (auto& [id, invoker] : invokers_.all()) {
    invoker.link->close({ErrorCode::kUnavailable, "the controller is shutting down"});
  }
}

Result<std::unique_ptr<Controller>> Controller::create(asio::io_context& io, ControllerOptions options,
                                                       const store::Stores& stores) {
  auto controller = std::make_unique<ControllerImpl>(io, std::move(options), stores);
  GUST_TRY_VOID(controller->listen());
  return controller;
}

}  // namespace gust::controller
