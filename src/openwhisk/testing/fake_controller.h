// A controller that answers at once with what the test has put there, and remembers what it was asked.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/controller.h"

namespace gust::openwhisk {

class FakeController final : public controller::Controller {
 public:
  void start_flare(controller::FlareRequest request, controller::Callback<controller::FlareTicket> done) override {
    started.push_back(std::move(request));
    done(ticket);
  }
  void wait_flare(std::string namespace_name, FlareId id, SteadyTime deadline,
                  controller::Callback<store::FlarePtr> done) override {
    waited.emplace_back(namespace_name, id);
    wait_deadline = deadline;
    done(wait_answer);
  }
  void get_flare(std::string namespace_name, FlareId id, controller::Detail detail,
                 controller::Callback<controller::FlareSnapshot> done) override {
    last_detail = detail;
    const auto found = std::ranges::find(known, id, [](const auto& snapshot) { return snapshot.flare->id; });
    if (found == known.end() || found->flare->namespace_name != namespace_name) {
      return done(fail(ErrorCode::kNotFound, "there is no flare " + id.str()));
    }
    done(*found);
  }
  void list_active(std::string namespace_name,
                   controller::Callback<std::vector<controller::FlareSnapshot>> done) override {
    std::vector<controller::FlareSnapshot> active;
    std::ranges::copy_if(known, std::back_inserter(active), [&](const controller::FlareSnapshot& snapshot) {
      return snapshot.flare->namespace_name == namespace_name && !has_ended(snapshot.flare->state);
    });
    done(std::move(active));
  }
  void read_logs(std::string namespace_name, controller::LogQuery query,
                 controller::Callback<controller::LogPage> done) override {
    logs_read.emplace_back(std::move(namespace_name), std::move(query));
    done(log_answer);
  }
  void cancel_flare(std::string, FlareId id, controller::Callback<store::FlarePtr> done) override {
    cancelled.push_back(id);
    done(cancel_answer);
  }
  void list_queue(std::string namespace_name,
                  controller::Callback<std::vector<controller::FlareSnapshot>> done) override {
    std::vector<controller::FlareSnapshot> waiting;
    std::ranges::copy_if(known, std::back_inserter(waiting), [&](const controller::FlareSnapshot& snapshot) {
      return snapshot.flare->namespace_name == namespace_name && snapshot.queue_position > 0;
    });
    done(std::move(waiting));
  }
  void set_use(std::string invoker, controller::InvokerUse use,
               controller::Callback<controller::InvokerStatus> done) override {
    uses.emplace_back(std::move(invoker), use);
    done(use_answer);
  }
  void status(controller::Callback<controller::Status> done) override { done(status_answer); }
  void metrics(controller::Callback<std::string> done) override { done(std::string("gust_flares 0\n")); }
  void distribute(store::ActionPtr action) override { distributed.push_back(std::move(action)); }
  [[nodiscard]] std::string invoker_address() const override { return "unix:/nowhere"; }
  void shut_down(controller::OpenFlares /*flares*/, std::move_only_function<void()> done) override { done(); }

  // What it answers.
  Result<controller::FlareTicket> ticket = fail(ErrorCode::kUnavailable, "there is no invoker");
  Result<store::FlarePtr> wait_answer = fail(ErrorCode::kTimedOut, "not yet");
  Result<store::FlarePtr> cancel_answer = fail(ErrorCode::kNotFound, "there is no such flare");
  Result<controller::LogPage> log_answer = fail(ErrorCode::kNotFound, "there is no such flare");
  Result<controller::Status> status_answer;
  Result<controller::InvokerStatus> use_answer = fail(ErrorCode::kNotFound, "there is no such invoker");
  std::vector<controller::FlareSnapshot> known;
  // What it was asked.
  std::vector<controller::FlareRequest> started;
  std::vector<std::pair<std::string, FlareId>> waited;
  std::vector<std::pair<std::string, controller::LogQuery>> logs_read;
  SteadyTime wait_deadline;
  std::optional<controller::Detail> last_detail;
  std::vector<FlareId> cancelled;
  std::vector<std::pair<std::string, controller::InvokerUse>> uses;
  std::vector<store::ActionPtr> distributed;
};

}  // namespace gust::openwhisk
