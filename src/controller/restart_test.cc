// A controller that goes on with the flares of the one before.
#include <future>
#include <vector>

#include "base/testing/test_folder.h"
#include "controller/testing/controller_fixture.h"
#include "store/sqlite/stores.h"

namespace gust::controller {
namespace {

using store::FlareState;

class RestartTest : public ControllerFixture {
 public:
  ~RestartTest() override { controller_.kill(); }

 protected:
  RestartTest() { start_again(); }

  // As after a kill -9, but that all had been written.
  void start_again(std::chrono::milliseconds silence = std::chrono::seconds(20)) {
    controller_.kill();
    stores_.reset();
    stores_ = *store::SqliteStores::open(folder_.path(), {});
    start(stores_->all(), silence);
  }

  enum class Ended : std::uint8_t { kNone, kFirst };

  // Gives the invoker, and what it was told first.
  std::pair<std::unique_ptr<TestInvoker>, protocol::Welcome> come(const std::string& name, std::uint32_t slots,
                                                                  const std::vector<protocol::StartPacks>& orders = {},
                                                                  Ended ended = Ended::kNone) {
    auto invoker = std::make_unique<TestInvoker>(controller_->invoker_address());
    protocol::Hello greeting = hello(name, slots);
    greeting.add_features(std::string(protocol::kReattach));
    for (const auto& order : orders) {
      protocol::KeptFlare& kept = *greeting.add_kept();
      kept.set_flare_id(order.flare_id());
      *kept.mutable_pack_first_worker() = order.pack_first_worker();
      for (const auto& pack : order.packs()) {
        kept.add_pack_ids(pack.pack_id());
        if (ended == Ended::kFirst && greeting.kept_size() == 1) kept.add_ended_pack_ids(pack.pack_id());
      }
    }
    invoker->send(greeting);
    auto welcome = invoker->read();
    EXPECT_TRUE(welcome.has_welcome());
    return {std::move(invoker), welcome.welcome()};
  }

  static protocol::StartPacks read_order(TestInvoker& invoker) {
    auto message = invoker.read();
    while (message.has_code() || message.has_forget()) message = invoker.read();
    EXPECT_TRUE(message.has_start_packs()) << message.ShortDebugString();
    return message.start_packs();
  }

  static void report_stopped(TestInvoker& invoker, const FlareId& run, std::uint32_t pack) {
    protocol::PackReport stopped;
    stopped.set_flare_id(run.str());
    stopped.set_pack_id(pack);
    stopped.mutable_ended()->set_cause(protocol::PACK_CAUSE_STOPPED);
    invoker.send(stopped);
  }

  Result<store::FlarePtr> ended(const FlareId& id) { return stores_->all().flares.get("guest", id); }

  TestFolder folder_;
  std::unique_ptr<store::SqliteStores> stores_;
};

TEST_F(RestartTest, InvokersTellTheNextControllerAllOfIt) {
  auto [first, welcome] = come("a", 2);
  auto second = come("b", 2).first;
  EXPECT_EQ(welcome.state_name(), stores_->all().name);
  const FlareId id = flare(4, 2)->id;
  const auto first_order = read_order(*first);
  const auto second_order = read_order(*second);
  first->run(first_order);  // whether the first controller has learnt of it is all the same

  start_again();
  EXPECT_EQ(get(id)->flare->state, FlareState::kStarting);
  // The others way round: ids follow names, but for what they say themselves.
  second = come("b", 2, {second_order}).first;
  const auto waiting = flare(1, 1);
  ASSERT_TRUE(waiting) << waiting.error().message;
  EXPECT_EQ(get(waiting->id)->flare->state, FlareState::kQueued);
  EXPECT_EQ(status().queued_flares, 1U);
  first = come("a", 2, {first_order}).first;
  EXPECT_EQ(status().invokers[0].free_slots + status().invokers[1].free_slots, 0U);
  first->run(first_order);
  const auto next = read_order(*first);
  EXPECT_EQ(next.flare_id(), waiting->id.str());
  second->run(second_order);
  const auto done = wait(id);
  ASSERT_TRUE(done);
  EXPECT_EQ((*done)->state, FlareState::kSucceeded);
  for (std::uint32_t w = 0; w < 4; ++w) EXPECT_EQ((*done)->workers[w].result, std::to_string(w));
  EXPECT_EQ(second->read().forget().flare_ids(0), id.str());
  first->run(next);
  EXPECT_EQ((*wait(waiting->id))->state, FlareState::kSucceeded);

  start_again();
  EXPECT_FALSE(get(id)) << "it had ended";
  EXPECT_EQ((*ended(id))->state, FlareState::kSucceeded);
}

TEST_F(RestartTest, WhatDoesNotComeBackIsLost) {
  auto first = come("a", 1).first;
  auto second = come("b", 1).first;
  const FlareId id = flare(2, 1)->id;
  const auto order = read_order(*first);
  read_order(*second);
  start_again(std::chrono::milliseconds(300));
  first = come("a", 1, {order}).first;
  EXPECT_EQ(first->read().stop_flare().flare_id(), id.str());
  report_stopped(*first, id, 0);
  const auto done = wait(id);
  EXPECT_EQ((*done)->state, FlareState::kFailed);
  EXPECT_EQ((*done)->cause->code, ErrorCode::kUnavailable);
  EXPECT_NE((*done)->cause->message.find("did not come back"), std::string::npos) << (*done)->cause->message;
  EXPECT_EQ(status().invokers[0].free_slots, 1U);
}

TEST_F(RestartTest, AnInvokerThatWasStartedAgainHasLostItsPacks) {
  auto invoker = come("a", 1).first;
  const FlareId id = flare(1, 1)->id;
  read_order(*invoker);
  start_again();
  invoker = come("a", 1).first;
  const auto done = wait(id);
  EXPECT_EQ((*done)->state, FlareState::kFailed);
  EXPECT_NE((*done)->cause->message.find("was started again"), std::string::npos) << (*done)->cause->message;
}

TEST_F(RestartTest, QueuedFlaresKeepTheirTurnAndTheirParameters) {
  auto invoker = come("a", 2).first;
  ASSERT_TRUE(flare(2, 2));
  const FlareId large = flare(2, 2)->id;
  const FlareId small = flare(1, 1)->id;
  auto order = read_order(*invoker);
  start_again();
  EXPECT_EQ(get(large)->queue_position, 0U);
  invoker = come("a", 2, {order}).first;
  invoker->run(order);
  order = read_order(*invoker);
  EXPECT_EQ(order.flare_id(), large.str());
  EXPECT_EQ(order.packs(0).params(), "{}{}");
  invoker->run(order);
  order = read_order(*invoker);
  EXPECT_EQ(order.flare_id(), small.str());
  invoker->run(order);
  EXPECT_EQ((*wait(small))->state, FlareState::kSucceeded);
}

TEST_F(RestartTest, QueuedFlaresWaitForInvokersToComeAndFailWithoutThem) {
  auto invoker = come("a", 2).first;
  const FlareId running = flare(2, 2)->id;
  const FlareId waiting = flare(2, 2)->id;
  start_again();
  controller_.kill();
  // Its predecessor's flare ends with this start; the one that waited does not fit into what comes.
  start_again(std::chrono::milliseconds(300));
  invoker = come("other", 1).first;
  EXPECT_EQ((*wait(running))->state, FlareState::kFailed);
  const auto done = wait(waiting);
  EXPECT_EQ((*done)->state, FlareState::kFailed);
  EXPECT_EQ((*done)->cause->code, ErrorCode::kNeverFits) << (*done)->cause->message;
}

// The queue was written, and the start of the flare was not.
TEST_F(RestartTest, AFlareThatWasStartedSinceIsFoundAmongItsInvokers) {
  auto first = come("a", 1).first;
  auto second = come("b", 2).first;
  const FlareId running = flare(3, 1)->id;
  const FlareId waiting = flare(2, 1)->id;
  const auto order = read_order(*first);
  const auto other_order = read_order(*second);
  protocol::StartPacks started;
  started.set_flare_id(waiting.str());
  started.add_pack_first_worker(0);
  started.add_pack_first_worker(1);
  protocol::StartPacks other = started;
  auto* pack = started.add_packs();
  pack->set_worker_count(1);
  pack = other.add_packs();
  pack->set_pack_id(1);
  pack->set_first_worker(1);
  pack->set_worker_count(1);

  start_again();
  first = come("a", 1, {order, started}, Ended::kFirst).first;
  EXPECT_EQ(get(waiting)->flare->state, FlareState::kStarting);
  first->run(order);
  first->run(started);
  // Until its reports come the slots of what has ended there are taken by what began after it.
  second = come("b", 2, {other_order, other}, Ended::kFirst).first;
  second->run(other_order);
  second->run(other);
  EXPECT_EQ((*wait(running))->state, FlareState::kSucceeded);
  const auto done = wait(waiting);
  EXPECT_EQ((*done)->state, FlareState::kSucceeded);
  EXPECT_EQ((*done)->workers[1].result, "1");
  EXPECT_EQ((*done)->packs[1].invoker_name, "b");
  // Planned after others have had time to come.
  const auto next = flare(3, 1);
  EXPECT_EQ(read_order(*second).packs_size(), 2);
  EXPECT_EQ(read_order(*first).flare_id(), next->id.str());
}

TEST_F(RestartTest, AnOrderToEndOutlivesTheControllerThatGaveIt) {
  auto invoker = come("a", 1).first;
  const FlareId id = flare(1, 1)->id;
  const auto order = read_order(*invoker);
  controller_->cancel_flare("guest", id, [](const auto&) {});
  EXPECT_TRUE(invoker->read().has_stop_flare());
  start_again();
  invoker = come("a", 1, {order}).first;
  EXPECT_EQ(invoker->read().stop_flare().flare_id(), id.str());
  report_stopped(*invoker, id, 0);
  EXPECT_EQ((*wait(id))->state, FlareState::kCancelled);
}

TEST_F(RestartTest, WhatNobodyKnowsIsForgotten) {
  auto invoker = come("a", 1).first;
  start_again();
  protocol::StartPacks stranger;
  stranger.set_flare_id(random_hex_id());
  invoker = come("a", 1, {stranger}).first;
  EXPECT_EQ(invoker->read().forget().flare_ids(0), stranger.flare_id());
}

TEST_F(RestartTest, AnEndInOrderMayLeaveFlaresOpen) {
  auto invoker = come("a", 1).first;
  const FlareId id = flare(1, 1)->id;
  const auto order = read_order(*invoker);
  std::promise<void> down;
  controller_->shut_down(OpenFlares::kLeave, [&] { down.set_value(); });
  down.get_future().wait();
  EXPECT_FALSE(invoker->read().has_stop_flare());
  start_again();
  invoker = come("a", 1, {order}).first;
  invoker->run(order);
  EXPECT_EQ((*wait(id))->state, FlareState::kSucceeded);
}

}  // namespace
}  // namespace gust::controller
