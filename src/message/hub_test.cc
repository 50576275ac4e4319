// Messages inside one pack: what its workers can rely on.
#include "message/hub.h"

#include <cstring>
#include <gtest/gtest.h>
#include <thread>

namespace gust::message {
namespace {

using namespace std::chrono_literals;

class HubTest : public ::testing::Test {
 protected:
  static SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
  Hub hub_{Layout(3, {0}, PackId(0)), HubOptions{.local_limit = 1000}, nullptr};
  const WorkerId a_{0};
  const WorkerId b_{1};
  const WorkerId c_{2};
};

TEST_F(HubTest, HandsOverTheSameMemoryWhateverItsSize) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{64} << 20}) {
    const Buffer sent = Buffer::make(size);
    ASSERT_TRUE(hub_.send(a_, b_, sent, in(10s)));
    const auto received = hub_.recv(b_, a_, in(10s));
    ASSERT_TRUE(received);
    EXPECT_EQ(received->data.bytes().data(), sent.bytes().data());
    EXPECT_EQ(received->data.size(), size);
  }
}

TEST_F(HubTest, AMillionTinyMessagesArriveInOrderInBoundedMemory) {
  constexpr std::uint32_t kMessages = 1'000'000;
  std::jthread sender([&] {
    for (std::uint32_t i = 0; i < kMessages; ++i) {
      ASSERT_TRUE(hub_.send(a_, b_, Buffer::copy_of(std::as_bytes(std::span(&i, 1))), in(60s)));
    }
  });
  for (std::uint32_t i = 0; i < kMessages; ++i) {
    const auto received = hub_.recv(b_, std::nullopt, in(60s));
    ASSERT_TRUE(received) << received.error().message;
    std::uint32_t number = 0;
    std::memcpy(&number, received->data.bytes().data(), sizeof number);
    ASSERT_EQ(number, i);
  }
}

TEST_F(HubTest, ASenderWaitsForASlowReceiverAndSaysSo) {
  while (true) {
    const auto sent = hub_.send(a_, b_, Buffer::make(100), in(1ms));
    if (sent) continue;
    EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
    EXPECT_NE(sent.error().message.find("worker 1 has not received what worker 0 sent"), std::string::npos);
    break;
  }
  EXPECT_TRUE(hub_.send(c_, b_, Buffer::make(100), in(1ms))) << "another sender is not held back by it";
}

TEST_F(HubTest, AbortEndsAllCallsWithItsCause) {
  std::vector<std::jthread> threads;
  for (const WorkerId worker : {a_, b_, c_}) {
    threads.emplace_back([this, worker] {
      const auto received = hub_.recv(worker, std::nullopt, in(60s));
      ASSERT_FALSE(received);
      EXPECT_EQ(received.error().message, "worker 7 crashed with SIGSEGV");
    });
  }
  hub_.abort({ErrorCode::kCancelled, "worker 7 crashed with SIGSEGV"});
  threads.clear();
  EXPECT_FALSE(hub_.send(a_, b_, Buffer::make(1), in(1s)));
}

TEST_F(HubTest, TheFirstEndOfAWorkerCounts) {
  ASSERT_TRUE(hub_.send(a_, b_, Buffer::make(1), in(1s)));
  hub_.worker_ended(a_, 0, "it failed: no such file");
  EXPECT_TRUE(hub_.recv(b_, a_, in(1s))) << "what it sent before counts";
  const auto received = hub_.recv(b_, a_, in(60s));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().message,
            "worker 0 has ended: it failed: no such file; worker 1 waited for a message from it");
  EXPECT_FALSE(hub_.send(b_, a_, Buffer::make(1), in(60s)));
}

}  // namespace
}  // namespace gust::message
