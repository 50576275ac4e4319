// What the first implementation of burst communication got wrong, and is seen by several packs only: calls that never
// end, messages that are mixed up with collectives, receivers that hold up everybody.
#include <cstring>
#include <functional>
#include <latch>

#include "transport/testing/flare.h"

namespace gust::transport::testing {
namespace {

using namespace std::chrono_literals;
using message::Buffer;
using message::HubOptions;
using message::Piece;

SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

// That need no server.
Implementation implementation(std::string_view name) {
  for (const Implementation& one : implementations()) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << "there is no " << name;
  return implementations().front();
}

/// `silent` sends nothing to it.
void begin_to_communicate(Worker& self, WorkerId silent = WorkerId(0)) {
  EXPECT_FALSE(self.hub.recv(self.id, silent, std::chrono::steady_clock::now()));
}

void keep_first(void* /*context*/, void* /*into*/, const void* /*from*/, std::size_t /*count*/) {}
constexpr message::Reduction kFirst{.element_bytes = 1, .combine = keep_first};

struct Call {
  const char* name;
  std::function<Result<void>(Worker&, SteadyTime)> make;
};

template <class Value>
Result<void> outcome(const Result<Value>& result) {
  return result ? Result<void>() : std::unexpected(result.error());
}

// Each needs something from worker 1, the only one of the other pack.
std::vector<Call> calls() {
  const WorkerId one(1);
  return {
      {"recv", [=](Worker& self, SteadyTime end) { return outcome(self.hub.recv(self.id, one, end)); }},
      {"recv_from_any", [](Worker& self, SteadyTime end) { return outcome(self.hub.recv(self.id, {}, end)); }},
      {"barrier", [](Worker& self, SteadyTime end) { return self.collectives.barrier(self.id, end); }},
      {"broadcast",
       [=](Worker& self, SteadyTime end) { return outcome(self.collectives.broadcast(self.id, one, {}, end)); }},
      {"reduce",
       [](Worker& self, SteadyTime end) {
         return outcome(self.collectives.reduce(self.id, WorkerId(0), pattern(9, 1).bytes(), kFirst, end));
       }},
      {"all_reduce",
       [](Worker& self, SteadyTime end) {
         return outcome(self.collectives.reduce(self.id, {}, pattern(9, 1).bytes(), kFirst, end));
       }},
      {"gather",
       [](Worker& self, SteadyTime end) { return outcome(self.collectives.gather(self.id, WorkerId(0), {}, end)); }},
      {"all_gather",
       [](Worker& self, SteadyTime end) { return outcome(self.collectives.gather(self.id, {}, {}, end)); }},
      {"scatter",
       [=](Worker& self, SteadyTime end) { return outcome(self.collectives.scatter(self.id, one, {}, end)); }},
      {"all_to_all",
       [](Worker& self, SteadyTime end) {
         return outcome(self.collectives.all_to_all(self.id, std::vector<Buffer>(2), end));
       }},
  };
}

class Deadlines : public ::testing::TestWithParam<Call> {};

TEST_P(Deadlines, EndACallAndNameWhomItWaitedFor) {
  std::latch over(1);
  Flare flare(implementation("unix"), {1, 1});
  flare.run([&](Worker& self) {
    if (self.id.value() == 1) {
      begin_to_communicate(self);  // it is there, and does not take part
      over.wait();
      return;
    }
    const auto ended = GetParam().make(self, in(30ms));
    over.count_down();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, ErrorCode::kTimedOut);
    const bool names = ended.error().message.find("worker 1") != std::string::npos ||
                       ended.error().message.find("from any worker") != std::string::npos;
    EXPECT_TRUE(names) << ended.error().message;
  });
}

INSTANTIATE_TEST_SUITE_P(All, Deadlines, ::testing::ValuesIn(calls()),
                         [](const ::testing::TestParamInfo<Call>& one) { return std::string(one.param.name); });

// Whoever waited for a pack, however briefly, has a connection to it, which closes.
TEST(Ends, OfAPackThatOnlyWaitedAreNoLoss) {
  for (const char* name : {"unix", "tcp"}) {
    std::latch left(1);
    Flare flare(implementation(name), {1, 1, 1}, HubOptions{.loss_grace = 1ms});
    flare.run([&](Worker& self) {
      begin_to_communicate(self);
      if (self.id.value() == 0) {
        EXPECT_FALSE(self.hub.recv(self.id, WorkerId(1), in(100ms)));
        self.hub.worker_ended(self.id, 0, "it returned");
        self.hub.finish();
        left.count_down();
      } else if (self.id.value() == 1) {
        left.wait();
        // More than the grace: had it been a loss, this would say so.
        const auto received = self.hub.recv(self.id, WorkerId(2), in(100ms));
        EXPECT_EQ(received.error().code, ErrorCode::kTimedOut) << received.error().message;
        EXPECT_TRUE(self.hub.send(self.id, WorkerId(2), pattern(9, 1), self.deadline));
      } else {
        EXPECT_TRUE(self.hub.recv(self.id, WorkerId(1), self.deadline));
      }
    });
  }
}

class Faults : public ::testing::TestWithParam<const char*> {};

// Between the same workers, at the same time, for sizes that are no powers of two.
TEST_P(Faults, ReductionsAndMessagesAreNotMixedUp) {
  for (const std::vector<std::uint32_t>& packing : {std::vector<std::uint32_t>{1, 1, 1}, {2, 3}, {3, 1, 3}}) {
    Flare flare(implementation(GetParam()), packing, HubOptions{.chunk_bytes = 64});
    flare.run([](Worker& self) {
      const WorkerId next((self.id.value() + 1) % self.burst_size);
      const WorkerId previous((self.id.value() + self.burst_size - 1) % self.burst_size);
      const auto send = [&](std::uint32_t seed) {
        EXPECT_TRUE(self.hub.send(self.id, next, pattern(200, seed + self.id.value()), self.deadline));
      };
      for (std::uint32_t round = 0; round < 20; ++round) {
        send(round);
        const Buffer mine = pattern(200, self.id.value());
        const auto sum = self.collectives.reduce(self.id, std::nullopt, mine.bytes(), kFirst, self.deadline);
        ASSERT_TRUE(sum) << sum.error().message;
        EXPECT_TRUE(is_pattern(*sum, 200, 0));
        send(round + 1000);
      }
      for (std::uint32_t round = 0; round < 20; ++round) {
        for (const std::uint32_t seed : {round, round + 1000}) {
          const auto received = self.hub.recv(self.id, previous, self.deadline);
          ASSERT_TRUE(received) << received.error().message;
          EXPECT_TRUE(is_pattern(received->data, 200, seed + previous.value()));
        }
      }
    });
  }
}

TEST_P(Faults, ASlowReaderHoldsBackItsSenderAndNobodyElse) {
  constexpr std::size_t kSize = 10'000;
  constexpr std::size_t kBudget = std::size_t{1} << 20;  // of one pair of packs
  std::latch held_back(1);
  std::uint32_t sent = 0;
  Flare flare(implementation(GetParam()), {1, 1, 1}, HubOptions{.chunk_bytes = 4096, .remote_budget = 3 * kBudget});
  flare.run([&](Worker& self) {
    if (self.id.value() == 0) {
      while (true) {
        // The first one waits for the receiver to be there.
        const SteadyTime end = sent == 0 ? self.deadline : in(100ms);
        const auto result = self.hub.send(self.id, WorkerId(1), pattern(kSize, sent), end);
        if (!result) {
          EXPECT_EQ(result.error().code, ErrorCode::kTimedOut);
          EXPECT_NE(result.error().message.find("pack 1 (worker 1) has not received"), std::string::npos);
          break;
        }
        ++sent;
        ASSERT_LE(sent * kSize, kBudget + kSize);
      }
      EXPECT_TRUE(self.hub.send(self.id, WorkerId(2), pattern(kSize, 7), self.deadline));
    } else if (self.id.value() == 2) {
      const auto received = self.hub.recv(self.id, WorkerId(0), self.deadline);
      held_back.count_down();
      ASSERT_TRUE(received) << received.error().message;
      EXPECT_TRUE(is_pattern(received->data, kSize, 7));
    } else {
      begin_to_communicate(self, WorkerId(2));
      held_back.wait();
      for (std::uint32_t i = 0; i < sent; ++i) {
        const auto received = self.hub.recv(self.id, WorkerId(0), self.deadline);
        ASSERT_TRUE(received) << received.error().message;
        EXPECT_TRUE(is_pattern(received->data, kSize, i));
      }
      const auto nothing = self.hub.recv(self.id, WorkerId(0), self.deadline);
      EXPECT_FALSE(nothing) << "what was refused was not sent";
    }
  });
  EXPECT_GT(sent * kSize, kBudget / 2);
}

INSTANTIATE_TEST_SUITE_P(All, Faults, ::testing::Values("in_process", "unruly", "tcp", "unix"),
                         [](const ::testing::TestParamInfo<const char*>& one) { return std::string(one.param); });

}  // namespace
}  // namespace gust::transport::testing
