// The controller with real connections: the tests drive the invokers by hand.
#include "controller/controller.h"

#include "controller/testing/controller_fixture.h"
#include "protocol/control/refusal.h"
#include "store/memory/stores.h"

namespace gust::controller {
namespace {

using store::FlareState;

class ControllerTest : public ControllerFixture {
 public:
  ~ControllerTest() override { controller_.kill(); }

 protected:
  ControllerTest() { start(stores_.all()); }

 private:
  store::MemoryStores stores_;
};

TEST_F(ControllerTest, RunsAFlareOverTwoInvokers) {
  auto first = join("a", 2);
  auto second = join("b", 2);
  const auto ticket = flare(4, 2);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->activations.size(), 2U);
  for (auto* invoker : {first.get(), second.get()}) {
    const auto code = invoker->read();
    EXPECT_EQ(code.code().piece(), "code");
    EXPECT_TRUE(code.code().last());
    const auto order = invoker->read();
    ASSERT_TRUE(order.has_start_packs());
    EXPECT_EQ(order.start_packs().burst_size(), 4U);
    EXPECT_EQ(order.start_packs().pack_first_worker_size(), 2);
    invoker->run(order.start_packs());
  }
  const auto ended = wait(ticket->id);
  ASSERT_TRUE(ended);
  EXPECT_EQ((*ended)->state, FlareState::kSucceeded);
  EXPECT_EQ((*ended)->workers[3].result, "3");
  EXPECT_EQ(status().invokers[0].free_slots, 2U);
  EXPECT_TRUE(get(ticket->id)) << "ended flares stay readable";
}

TEST_F(ControllerTest, RefusesStrangers) {
  const auto refused = [&](const protocol::Hello& greeting) {
    TestInvoker invoker(controller_->invoker_address());
    invoker.send(greeting);
    const auto answer = invoker.read();
    EXPECT_TRUE(answer.has_refused()) << answer.ShortDebugString();
    EXPECT_EQ(invoker.read().message_case(), protocol::ControllerMessage::MESSAGE_NOT_SET);
    return protocol::read_refusal(answer.refused());
  };
  auto other = hello("x", 1);
  other.set_protocol_version(99);
  const auto version = refused(other);
  EXPECT_EQ(version.code, ErrorCode::kVersionMismatch);
  EXPECT_NE(version.message.find("99"), std::string::npos);
  EXPECT_EQ(refused(TestInvoker::hello("x", 1)).code, ErrorCode::kDenied);
  EXPECT_EQ(refused(hello("x", 0)).code, ErrorCode::kInvalid);
  auto x = join("x", 1);
  auto twin = hello("x", 1);
  twin.set_pid(1);
  EXPECT_EQ(refused(twin).code, ErrorCode::kExists);
  EXPECT_EQ(status().invokers.size(), 1U);
}

TEST_F(ControllerTest, QueuesWhatDoesNotFitNowAndRefusesWhatNeverWill) {
  EXPECT_EQ(flare(1, 1).error().code, ErrorCode::kUnavailable) << "no invoker yet";
  auto invoker = join("a", 2);
  EXPECT_EQ(flare(3, 1).error().code, ErrorCode::kNeverFits);
  const auto running = flare(2, 2);
  const auto waiting = flare(1, 1);
  ASSERT_TRUE(waiting);
  const auto snapshot = get(waiting->id);
  EXPECT_EQ(snapshot->flare->state, FlareState::kQueued);
  EXPECT_EQ(snapshot->queue_position, 1U);
  EXPECT_FALSE(snapshot->queue_reason.empty());
  ASSERT_TRUE(flare(1, 1));
  EXPECT_EQ(flare(1, 1).error().code, ErrorCode::kBusy) << "the queue holds two";
  invoker->read();  // code
  invoker->run(invoker->read().start_packs());
  EXPECT_EQ(invoker->read().start_packs().flare_id(), waiting->id.str());
}

TEST_F(ControllerTest, ACrashStopsTheOtherPacks) {
  auto first = join("a", 1);
  auto second = join("b", 1);
  const auto ticket = flare(2, 1);
  first->read();
  second->read();
  const auto order = first->read().start_packs();
  const auto other = second->read().start_packs();
  protocol::PackReport crash;
  crash.set_flare_id(ticket->id.str());
  crash.set_pack_id(order.packs(0).pack_id());
  crash.mutable_ended()->set_cause(protocol::PACK_CAUSE_WORKER_CRASHED);
  crash.mutable_ended()->set_message("worker 0 crashed with SIGSEGV");
  first->send(crash);
  EXPECT_EQ(second->read().stop_flare().flare_id(), ticket->id.str());
  protocol::PackReport stopped;
  stopped.set_flare_id(ticket->id.str());
  stopped.set_pack_id(other.packs(0).pack_id());
  stopped.mutable_ended()->set_cause(protocol::PACK_CAUSE_STOPPED);
  second->send(stopped);
  const auto ended = wait(ticket->id);
  EXPECT_EQ((*ended)->state, FlareState::kFailed);
  EXPECT_NE((*ended)->cause->message.find("SIGSEGV"), std::string::npos);
}

TEST_F(ControllerTest, ALostInvokerFailsItsFlares) {
  auto first = join("a", 2);
  auto second = join("b", 2);
  const auto ticket = flare(4, 1);
  first->leave();
  second->read();
  const auto order = second->read().start_packs();
  EXPECT_EQ(second->read().stop_flare().flare_id(), ticket->id.str());
  second->run(order);
  const auto ended = wait(ticket->id);
  EXPECT_EQ((*ended)->state, FlareState::kFailed);
  EXPECT_EQ((*ended)->cause->code, ErrorCode::kUnavailable);
  EXPECT_NE((*ended)->cause->message.find("was lost"), std::string::npos);
  EXPECT_EQ(status().invokers.size(), 1U);
}

TEST_F(ControllerTest, TheSameProcessMayComeBackBeforeItsLossIsNoticed) {
  auto first = join("a", 1);
  const auto ticket = flare(1, 1);
  auto again = join("a", 1);
  EXPECT_EQ((*wait(ticket->id))->state, FlareState::kFailed);
  EXPECT_EQ(status().invokers.size(), 1U);
}

TEST_F(ControllerTest, ATimeLimitNamesTheUnfinished) {
  auto quick = std::make_shared<store::Action>(*action_);
  quick->limits.timeout = std::chrono::milliseconds(1);
  action_ = quick;
  auto invoker = join("a", 1);
  const auto ticket = flare(1, 1);
  invoker->read();
  const auto order = invoker->read().start_packs();
  ASSERT_TRUE(invoker->read().has_stop_flare());
  protocol::PackReport stopped;
  stopped.set_flare_id(ticket->id.str());
  stopped.mutable_ended()->set_cause(protocol::PACK_CAUSE_STOPPED);
  invoker->send(stopped);
  const auto ended = wait(ticket->id);
  EXPECT_EQ((*ended)->state, FlareState::kTimedOut);
  EXPECT_NE((*ended)->cause->message.find("worker 0"), std::string::npos);
}

TEST_F(ControllerTest, CancelsWhatWaitsAndWhatRuns) {
  auto invoker = join("a", 1);
  const auto running = flare(1, 1);
  const auto waiting = flare(1, 1);
  const auto cancel = [&](const FlareId& id) {
    return await<store::FlarePtr>([&](auto done) { controller_->cancel_flare("guest", id, std::move(done)); });
  };
  EXPECT_EQ((*cancel(waiting->id))->state, FlareState::kCancelled);
  EXPECT_EQ(cancel(waiting->id).error().code, ErrorCode::kNotFound);
  invoker->read();
  const auto order = invoker->read().start_packs();
  std::thread obedient([&] {
    ASSERT_TRUE(invoker->read().has_stop_flare());
    protocol::PackReport stopped;
    stopped.set_flare_id(order.flare_id());
    stopped.mutable_ended()->set_cause(protocol::PACK_CAUSE_STOPPED);
    invoker->send(stopped);
  });
  EXPECT_EQ((*cancel(running->id))->state, FlareState::kCancelled);
  obedient.join();
  EXPECT_EQ(status().invokers[0].free_slots, 1U);
}

TEST_F(ControllerTest, WaitingEndsAtItsDeadline) {
  auto invoker = join("a", 1);
  const auto ticket = flare(1, 1);
  EXPECT_EQ(wait(ticket->id, std::chrono::milliseconds(1)).error().code, ErrorCode::kTimedOut);
  EXPECT_EQ(wait(FlareId(random_hex_id())).error().code, ErrorCode::kNotFound);
}

TEST_F(ControllerTest, OtherNamespacesSeeNothing) {
  auto invoker = join("a", 1);
  const auto ticket = flare(1, 1);
  const auto stolen = await<FlareSnapshot>(
      [&](auto done) { controller_->get_flare("thief", ticket->id, Detail::kFull, std::move(done)); });
  EXPECT_EQ(stolen.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace gust::controller
