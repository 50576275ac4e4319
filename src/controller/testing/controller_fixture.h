// A controller with real streams, and invokers that tests drive by hand.
#pragma once

#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>

#include "controller/testing/running_controller.h"
#include "protocol/control/testing/blocking_client.h"
#include "protocol/version.h"

namespace gust::controller {

// One invoker's end of the connection.
class TestInvoker {
 public:
  explicit TestInvoker(const std::string& address) : client_(address) {}

  static protocol::Hello hello(const std::string& name, std::uint32_t slots) {
    protocol::Hello hello;
    hello.set_protocol_version(protocol::kProtocolVersion);
    hello.set_name(name);
    hello.set_slots(slots);
    hello.set_memory_bytes(Bytes::mb(1 << 20).count());
    hello.set_pid(4711);
    return hello;
  }

  void send(const protocol::Hello& hello) {
    protocol::InvokerMessage message;
    *message.mutable_hello() = hello;
    client_.send(std::move(message));
  }

  void send(const protocol::PackReport& report) {
    protocol::InvokerMessage message;
    *message.mutable_reports()->add_packs() = report;
    client_.send(std::move(message));
  }

  /// The next message; its case is not set at the end of the connection.
  protocol::ControllerMessage read() { return client_.read().value_or(protocol::ControllerMessage()); }

  void leave() { client_.close(); }

  /// Runs the packs of an order as a well-behaved invoker would.
  void run(const protocol::StartPacks& order) {
    for (const protocol::PackStart& pack : order.packs()) {
      protocol::PackReport report;
      report.set_flare_id(order.flare_id());
      report.set_pack_id(pack.pack_id());
      auto& finished = *report.mutable_finished();
      for (std::uint32_t i = 0; i < pack.worker_count(); ++i) {
        finished.add_worker_id(pack.first_worker() + i);
        finished.add_function_started_us(1);
        finished.add_function_ended_us(2);
        finished.add_ended_us(3);
        finished.add_peak_memory_bytes(4);
        finished.add_ok(true);
        finished.add_result(std::to_string(pack.first_worker() + i));
      }
      report.mutable_ended()->set_cause(protocol::PACK_CAUSE_FINISHED);
      send(report);
    }
  }

 private:
  protocol::testing::BlockingClient client_;
};

class ControllerFixture : public ::testing::Test {
 protected:
  ControllerFixture() {
    auto action = std::make_shared<store::Action>();
    action->namespace_name = "guest";
    action->name = "hello";
    action->kind = "cpp:1";
    action->code = std::make_shared<const std::string>("code");
    action->code_digest = "digest";
    action->limits.timeout = std::chrono::seconds(30);
    action_ = std::move(action);
  }

  void start(const store::Stores& stores, std::chrono::milliseconds silence = std::chrono::seconds(3)) {
    ControllerOptions options;
    options.invoker_listen = "127.0.0.1:0";
    options.join_token = "secret";
    options.policy.queue_limit = 2;
    options.invoker_silence = silence;
    controller_.start(std::move(options), stores);
  }

  // Calls an asynchronous function of the controller and waits for its answer.
  template <class T, class Function>
  static Result<T> await(Function&& function) {
    std::promise<Result<T>> promise;
    auto future = promise.get_future();
    function(Callback<T>([&promise](Result<T> result) { promise.set_value(std::move(result)); }));
    return future.get();
  }

  Result<FlareTicket> flare(std::uint32_t workers, std::uint32_t granularity) {
    FlareRequest request;
    request.action = action_;
    request.namespace_name = "guest";
    request.params.assign(workers, "{}");
    request.strategy = packing::Strategy::kHomogeneous;
    request.granularity = granularity;
    request.received = wall_now();
    return await<FlareTicket>([&](auto done) { controller_->start_flare(std::move(request), std::move(done)); });
  }

  Result<store::FlarePtr> wait(const FlareId& id, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    return await<store::FlarePtr>([&](auto done) {
      controller_->wait_flare("guest", id, std::chrono::steady_clock::now() + patience, std::move(done));
    });
  }

  Result<FlareSnapshot> get(const FlareId& id) {
    return await<FlareSnapshot>(
        [&](auto done) { controller_->get_flare("guest", id, Detail::kFull, std::move(done)); });
  }

  Status status() {
    return *await<Status>([&](auto done) { controller_->status(std::move(done)); });
  }

  protocol::Hello hello(const std::string& name, std::uint32_t slots) {
    protocol::Hello hello = TestInvoker::hello(name, slots);
    hello.set_join_token("secret");
    return hello;
  }

  std::unique_ptr<TestInvoker> join(const std::string& name, std::uint32_t slots) {
    auto invoker = std::make_unique<TestInvoker>(controller_->invoker_address());
    invoker->send(hello(name, slots));
    EXPECT_TRUE(invoker->read().has_welcome());
    return invoker;
  }

  RunningController controller_;
  store::ActionPtr action_;
};

}  // namespace gust::controller
