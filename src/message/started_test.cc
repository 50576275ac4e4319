// Calls that are started and waited for later, inside one pack.
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

#include "message/collectives.h"
#include "message/hub.h"

namespace gust::message {
namespace {

using namespace std::chrono_literals;

class StartedTest : public ::testing::Test {
 protected:
  static SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
  static SteadyTime now() { return std::chrono::steady_clock::now(); }
  static Buffer number(std::uint32_t value) { return Buffer::copy_of(std::as_bytes(std::span(&value, 1))); }
  static std::uint32_t value_of(const Result<Received>& received) {
    EXPECT_TRUE(received) << received.error().message;
    std::uint32_t value = UINT32_MAX;
    if (received && received->data.size() == sizeof value)
      std::memcpy(&value, received->data.bytes().data(), sizeof value);
    return value;
  }
  std::shared_ptr<StartedReceive> start_recv(WorkerId self, std::optional<WorkerId> from) {
    auto receive = hub_.start_recv(self, from);
    EXPECT_TRUE(receive);
    return *receive;
  }
  void send(WorkerId from, WorkerId to, std::uint32_t value) {
    ASSERT_TRUE(hub_.send(from, to, number(value), in(10s)));
  }

  Hub hub_{Layout(3, {0}, PackId(0)), HubOptions{.local_limit = 1000}, nullptr};
  const WorkerId a_{0};
  const WorkerId b_{1};
  const WorkerId c_{2};
};

TEST_F(StartedTest, ReceivesTakeTheirTurnWhenTheyAreStarted) {
  send(a_, b_, 1);
  const auto there = start_recv(b_, a_);
  EXPECT_TRUE(hub_.is_over(*there));
  const auto first = start_recv(b_, a_);
  const auto second = start_recv(b_, a_);
  EXPECT_FALSE(hub_.is_over(*first));
  send(a_, b_, 2);
  send(a_, b_, 3);
  send(a_, b_, 4);
  EXPECT_EQ(value_of(hub_.recv(b_, a_, in(1s))), 4u);
  EXPECT_EQ(value_of(hub_.wait(*second, now())), 3u) << "in any order";
  EXPECT_EQ(value_of(hub_.wait(*first, now())), 2u);
  EXPECT_EQ(value_of(hub_.wait(*there, now())), 1u);
}

TEST_F(StartedTest, OneFromAnyAndOneFromSomebodyGetWhatFits) {
  const auto from_c = start_recv(b_, c_);
  const auto any = start_recv(b_, std::nullopt);
  send(a_, b_, 1);
  EXPECT_FALSE(hub_.is_over(*from_c));
  EXPECT_TRUE(hub_.is_over(*any));
  send(c_, b_, 2);
  EXPECT_EQ(value_of(hub_.wait(*from_c, now())), 2u);
  EXPECT_EQ(value_of(hub_.wait(*any, now())), 1u);
}

TEST_F(StartedTest, AWithdrawnReceivesMessageIsTheNextToBeReceived) {
  const auto dropped = start_recv(b_, a_);
  send(a_, b_, 1);
  send(a_, b_, 2);
  hub_.withdraw(*dropped);
  EXPECT_EQ(value_of(hub_.recv(b_, a_, now())), 1u);
  EXPECT_EQ(value_of(hub_.recv(b_, a_, now())), 2u);

  const auto before = start_recv(b_, a_);
  const auto after = start_recv(b_, a_);
  send(a_, b_, 3);
  hub_.withdraw(*before);
  EXPECT_EQ(value_of(hub_.wait(*after, now())), 3u);

  hub_.withdraw(*start_recv(b_, std::nullopt));
  send(a_, b_, 4);
  EXPECT_EQ(value_of(hub_.recv(b_, std::nullopt, now())), 4u) << "it takes nothing any more";
}

TEST_F(StartedTest, ATimeOutNamesWhomItWaitedForAndLeavesItAsItIs) {
  const auto receive = start_recv(b_, a_);
  const auto late = hub_.wait(*receive, now());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimedOut);
  EXPECT_EQ(late.error().message, "timed out: worker 1 waited for a message from worker 0");
  EXPECT_FALSE(hub_.is_over(*receive));
  std::jthread sender([this] { send(a_, b_, 7); });
  EXPECT_EQ(value_of(hub_.wait(*receive, in(60s))), 7u);
}

TEST_F(StartedTest, ASendIsOverAtOnceUnlessTheReceiverHasVeryMuch) {
  const auto small = hub_.start_send(a_, b_, Buffer::make(100), in(60s));
  ASSERT_TRUE(small);
  EXPECT_TRUE(hub_.is_over(**small));
  const auto large = hub_.start_send(a_, b_, Buffer::make(5000), in(60s));
  ASSERT_TRUE(large) << "it does not wait";
  EXPECT_FALSE(hub_.is_over(**large));
  const auto late = hub_.wait(**large, now());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "timed out: worker 1 has not received what worker 0 sent to it");
  EXPECT_FALSE(hub_.send(a_, b_, Buffer::make(1), now())) << "nothing overtakes it";

  std::jthread receiver([this] {
    EXPECT_EQ(hub_.recv(b_, a_, in(60s))->data.size(), 100u);
    EXPECT_EQ(hub_.recv(b_, a_, in(60s))->data.size(), 5000u);
  });
  EXPECT_TRUE(hub_.wait(**large, in(60s)));
}

TEST_F(StartedTest, SendsThatNobodyWaitsForArrive) {
  for (std::uint32_t i = 0; i < 100; ++i) ASSERT_TRUE(hub_.start_send(a_, b_, number(i), in(60s)));
  hub_.settle(a_);
  hub_.worker_ended(a_, 0, "it returned");
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(value_of(hub_.recv(b_, a_, now())), i);
}

TEST_F(StartedTest, TheMemoryIsTheSame) {
  const Buffer sent = Buffer::make(std::size_t{64} << 20);
  const auto receive = start_recv(b_, a_);
  ASSERT_TRUE(hub_.start_send(a_, b_, sent, in(1s)));
  EXPECT_EQ(hub_.wait(*receive, now())->data.bytes().data(), sent.bytes().data());
}

TEST_F(StartedTest, TheEndOfAWorkerEndsWhatWaitsForIt) {
  const auto receive = start_recv(b_, a_);
  const auto any = start_recv(b_, std::nullopt);
  const auto sent = hub_.start_send(c_, a_, Buffer::make(10), in(60s));
  const auto unreceived = hub_.start_send(c_, a_, Buffer::make(5000), in(60s));
  hub_.worker_ended(a_, 0, "it failed: no such file");
  EXPECT_TRUE(hub_.is_over(*receive));
  const auto failed = hub_.wait(*receive, in(60s));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("worker 0 has ended: it failed: no such file"), std::string::npos);
  EXPECT_TRUE(hub_.wait(**sent, now())) << "it was on its way";
  EXPECT_FALSE(hub_.wait(**unreceived, in(60s)));
  EXPECT_FALSE(hub_.start_send(c_, a_, Buffer::make(1), in(60s)));
  send(c_, b_, 5);
  EXPECT_EQ(value_of(hub_.wait(*any, now())), 5u) << "others go on, and the failed one has let its turn go";
}

TEST_F(StartedTest, AbortEndsThemWithItsCause) {
  const auto receive = start_recv(b_, a_);
  ASSERT_TRUE(hub_.start_send(a_, c_, Buffer::make(900), in(60s)));
  const auto sent = hub_.start_send(a_, c_, Buffer::make(900), in(60s));
  std::jthread aborts([this] { hub_.abort({ErrorCode::kCancelled, "worker 7 crashed with SIGSEGV"}); });
  EXPECT_EQ(hub_.wait(*receive, in(60s)).error().message, "worker 7 crashed with SIGSEGV");
  EXPECT_EQ(hub_.wait(**sent, in(60s)).error().message, "worker 7 crashed with SIGSEGV");
}

class BegunTest : public StartedTest {
 protected:
  Collectives collectives_{hub_};
};

// Ends when it is told to, and says whether it still ran when it was asked.
struct SlowOperator {
  std::atomic<bool> running = false;
  std::atomic<bool> may_end = false;
  static void combine(void* context, void* /*into*/, const void* /*from*/, std::size_t /*count*/) {
    auto& self = *static_cast<SlowOperator*>(context);
    self.running = true;
    self.running.notify_all();
    self.may_end.wait(false);
    self.running = false;
  }
};

TEST_F(BegunTest, OperationsAreMatchedInTheOrderInWhichTheyBegan) {
  std::vector<std::jthread> threads;
  for (const WorkerId worker : {a_, b_, c_}) {
    threads.emplace_back([this, worker] {
      const auto first = collectives_.begin_broadcast(worker, a_, worker == a_ ? number(1) : Buffer());
      const auto second = collectives_.begin_broadcast(worker, b_, worker == b_ ? number(2) : Buffer());
      ASSERT_TRUE(collectives_.barrier(worker, in(60s))) << "in between, in the blocking form";
      // Finished in the other order.
      EXPECT_EQ(value_of(Received{b_, *second->finish(in(60s))}), 2u);
      EXPECT_EQ(value_of(Received{a_, *first->finish(in(60s))}), 1u);
    });
  }
}

TEST_F(BegunTest, ATimeOutNamesTheMissing) {
  const auto barrier = collectives_.begin_barrier(a_);
  EXPECT_EQ(barrier->waits_for(), "a barrier waited for workers 1, 2");
  const auto other = collectives_.begin_barrier(c_);
  const auto late = barrier->finish(now());
  EXPECT_EQ(late.error().code, ErrorCode::kTimedOut);
  EXPECT_EQ(late.error().message, "timed out: a barrier waited for worker 1");
  EXPECT_EQ(other->finish(in(60s)).error().message, late.error().message) << "the same for all";
  EXPECT_EQ(collectives_.barrier(b_, in(60s)).error().message, late.error().message);
}

TEST_F(BegunTest, ALongListOfTheMissingIsShortened) {
  Hub hub(Layout(960, {0}, PackId(0)), {}, nullptr);
  Collectives collectives(hub);
  EXPECT_EQ(collectives.barrier(WorkerId(3), now()).error().message,
            "timed out: a barrier waited for workers 0, 1, 2, 4, 5, 6, 7, 8 and 951 more");
}

TEST_F(BegunTest, AReductionThatFailsDoesNotReturnWhileItsMemoryIsRead) {
  SlowOperator slow;
  const std::uint64_t value = 1;
  const Piece data = std::as_bytes(std::span(&value, 1));
  const Reduction reduction{.element_bytes = sizeof value, .combine = &SlowOperator::combine, .context = &slow};
  const auto waiting = collectives_.begin_reduce(a_, std::nullopt, data, reduction);
  const auto other = collectives_.begin_reduce(c_, std::nullopt, data, reduction);
  const auto driving = collectives_.begin_reduce(b_, std::nullopt, data, reduction);
  std::jthread driver([&] { static_cast<void>(driving->finish(in(60s))); });
  slow.running.wait(false);
  std::atomic<bool> returned = false;
  std::jthread waiter([&] {
    EXPECT_FALSE(waiting->finish(now()));
    EXPECT_TRUE(slow.may_end) << "its memory was still being read";
    returned = true;
  });
  // It has failed when the operation has; that it has not returned by then proves something only with the next line.
  while (!hub_.collective_failure(0)) std::this_thread::yield();
  EXPECT_FALSE(returned);
  slow.may_end = true;
  slow.may_end.notify_all();
  static_cast<void>(other->finish(in(60s)));
}

TEST_F(BegunTest, ABurstOfOneDoesEverythingAlone) {
  Hub hub(Layout(1, {0}, PackId(0)), {}, nullptr);
  Collectives collectives(hub);
  const Buffer data = number(3);
  EXPECT_TRUE(collectives.barrier(a_, now()));
  EXPECT_EQ(collectives.broadcast(a_, a_, data, now())->bytes().data(), data.bytes().data());
  EXPECT_EQ(collectives.gather(a_, std::nullopt, data, now())->size(), 1u);
  EXPECT_EQ(collectives.scatter(a_, a_, {data}, now())->bytes().data(), data.bytes().data());
  EXPECT_EQ(collectives.all_to_all(a_, {Buffer()}, now())->front().size(), 0u);
  EXPECT_FALSE(collectives.broadcast(a_, b_, data, now())) << "there is no such root";
  EXPECT_TRUE(hub.send(a_, a_, data, now()));
  EXPECT_EQ(hub.recv(a_, std::nullopt, now())->data.bytes().data(), data.bytes().data());
  const auto nobody = hub.recv(a_, std::nullopt, now());
  EXPECT_EQ(nobody.error().code, ErrorCode::kTimedOut);
}

}  // namespace
}  // namespace gust::message
