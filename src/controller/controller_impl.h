// Inside this module: the controller's parts and what it does with them, on one strand. Its functions stand in
//
//   controller.cc             what others ask of it
//   controller_flares.cc      flares from their admission to their end
//   controller_invokers.cc    invokers that come and go, and their reports
//   controller_restart.cc     going on with the flares of the controller before
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/active_flares.h"
#include "controller/backends.h"
#include "controller/controller.h"
#include "controller/decision_record.h"
#include "controller/gateway.h"
#include "controller/invokers.h"
#include "controller/keeper.h"
#include "controller/metrics.h"
#include "controller/recovery.h"
#include "scheduler/journal.h"

namespace gust::controller {

/// Why something waits, or is refused, for a moment.
inline constexpr const char* kStillAttaching =
    "this controller has just been started and waits for the invokers of the one before; that takes seconds at most";

/// The scheduler's time: steady, so that a step of the wall clock changes nobody's turn.
inline scheduler::Moment moment() {
  return std::chrono::duration_cast<scheduler::Moment>(std::chrono::steady_clock::now().time_since_epoch());
}

class ControllerImpl final : public Controller {
 public:
  ControllerImpl(boost::asio::io_context& io, ControllerOptions options, const store::Stores& stores);
  Result<void> listen();

  void start_flare(FlareRequest request, Callback<FlareTicket> done) override;
  void wait_flare(std::string namespace_name, FlareId id, SteadyTime deadline, Callback<store::FlarePtr> done) override;
  void get_flare(std::string namespace_name, FlareId id, Detail detail, Callback<FlareSnapshot> done) override;
  void list_active(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) override;
  void read_logs(std::string namespace_name, LogQuery query, Callback<LogPage> done) override;
  void cancel_flare(std::string namespace_name, FlareId id, Callback<store::FlarePtr> done) override;
  void list_queue(std::string namespace_name, Callback<std::vector<FlareSnapshot>> done) override;
  void set_use(std::string invoker, InvokerUse use, Callback<InvokerStatus> done) override;
  void status(Callback<Status> done) override;
  void metrics(Callback<std::string> done) override;
  void distribute(store::ActionPtr action) override;
  [[nodiscard]] std::string invoker_address() const override { return gateway_->address(); }
  void shut_down(OpenFlares flares, std::move_only_function<void()> done) override;

 private:
  // Flares
  Result<FlareTicket> admit(FlareRequest request);
  Result<scheduler::Admission> submit(const store::FlareRecord& flare);
  static scheduler::Job job_of(const store::FlareRecord& flare);
  void launch(ActiveFlare& active, const packing::Plan& plan);
  void limit_time(ActiveFlare& active, std::chrono::microseconds left);
  void send_code(Invoker& invoker, const store::Action& action);
  void stop(ActiveFlare& active, store::FlareState outcome, Error cause);
  void stop_packs(const Flare& flare);
  void release_pack(ActiveFlare& active, PackId pack);
  void retry(ActiveFlare& active);
  void end(const FlareId& id);
  void start_admitted();
  void wait(const std::string& namespace_name, const FlareId& id, SteadyTime deadline, Callback<store::FlarePtr> done);
  Result<LogPage> log_page(const std::string& ns, const LogQuery& query);
  FlareSnapshot snapshot(const ActiveFlare& active, Detail detail);
  static FlareSnapshot snapshot(const ActiveFlare& active, Detail detail, const std::optional<scheduler::Place>& place,
                                scheduler::Moment now);
  std::vector<FlareSnapshot> waiting(const std::string& namespace_name);

  // Invokers
  void join(const LinkPtr& link, protocol::Hello hello);
  void attach(Invoker& invoker);
  void open_to_flares(const Invoker& invoker);
  void let_go(Invoker& invoker);
  void lose_invoker(Invoker& invoker);
  void lose_packs(const Packs& packs, const std::string& why);
  void take_reports(const LinkPtr& link, const protocol::Reports& reports);
  void take_report(InvokerId from, const protocol::PackReport& report);
  void tell_peers(ActiveFlare& active);

  // After this controller was started in the place of another
  enum class Patience : std::uint8_t { kMore, kNone };
  [[nodiscard]] bool is_attaching() const { return recovery_ && recovery_->is_attaching(); }
  void restore(std::vector<store::OpenFlare> left);
  void wait_for_invokers(SteadyTime until);
  void stop_attaching();
  void plan_again();
  void submit_held(Patience patience);

  Status status_now();
  void hurry_shutdown_when_idle();
  void close_links();

  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  ControllerOptions options_;
  store::FlareStore& ended_;
  store::DrainStore& drains_;  // by the names of invokers that may not be connected
  Backends backends_;
  scheduler::Journal scheduler_;
  InvokerTable invokers_;
  std::unique_ptr<DecisionRecord> record_;  // null when there is none
  ActiveFlares active_;
  Keeper keeper_;
  Metrics metrics_;
  std::optional<Recovery> recovery_;  // until the flares of the controller before are found or lost
  boost::asio::steady_timer recovery_timer_;
  SteadyTime recovery_ends_;
  boost::asio::steady_timer shutdown_timer_;
  bool shutting_down_ = false;
  bool leaving_ = false;              // flares to the next controller: that the invokers go means nothing
  std::unique_ptr<Gateway> gateway_;  // last: its events use the rest
};

}  // namespace gust::controller
