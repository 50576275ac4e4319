// What a pack does with what comes from another one, which the test plays: in any order, with parts missing, damaged.
#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <thread>

#include "message/collectives.h"
#include "message/hub.h"

namespace gust::message {
namespace {

using namespace std::chrono_literals;

enum Control : std::uint64_t { kCredit = 1, kInterest, kInterestOfPack, kEnded, kFailed, kLeft };

struct Frame {
  FrameHeader header;
  std::string payload;
};

// What a pack has sent. It may be refused.
class Wire {
 public:
  using Answer = std::function<Result<void>(const FrameHeader&)>;
  using Fits = std::function<bool(const FrameHeader&)>;

  Result<void> send(const FrameHeader& header, std::span<const Piece> pieces) {
    const MutexLock lock(mutex_);
    if (answer_) GUST_TRY_VOID(answer_(header));
    Frame frame{header, {}};
    for (const Piece& piece : pieces) frame.payload.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    sent_.push_back(std::move(frame));
    news_.notify_all();
    return {};
  }
  void answer(Answer answer) {
    const MutexLock lock(mutex_);
    answer_ = std::move(answer);
  }
  std::vector<Frame> sent(const Fits& fits) {
    const MutexLock lock(mutex_);
    std::vector<Frame> fitting;
    std::ranges::copy_if(sent_, std::back_inserter(fitting), [&](const Frame& frame) { return fits(frame.header); });
    return fitting;
  }
  // Waits for it.
  Frame first(const Fits& fits) {
    while (true) {
      if (const auto fitting = sent(fits); !fitting.empty()) return fitting.front();
      const MutexLock lock(mutex_);
      news_.wait_until(mutex_, std::chrono::steady_clock::now() + 10ms);
    }
  }

 private:
  Mutex mutex_;
  CondVar news_;
  Answer answer_ GUST_GUARDED_BY(mutex_);
  std::vector<Frame> sent_ GUST_GUARDED_BY(mutex_);
};

class Played final : public Transport {
 public:
  explicit Played(Wire& wire) : wire_(wire) {}
  Result<void> connect(PackId /*to*/, SteadyTime /*deadline*/) override { return {}; }
  Result<void> send(PackId /*to*/, const FrameHeader& header, std::span<const Piece> pieces,
                    SteadyTime /*deadline*/) override {
    return wire_.send(header, pieces);
  }
  void stop() override {}

 private:
  Wire& wire_;
};

// Pack 0 with the workers 0 and 1; pack 1, which has the workers 2 and 3, is the test's.
class HubRemoteTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kChunk = 8;

  HubRemoteTest() {
    EXPECT_FALSE(hub_.recv(a_, c_, now()));  // makes the transport
  }
  ~HubRemoteTest() override {
    hub_.worker_ended(a_, 0, "returned");
    hub_.worker_ended(b_, 0, "returned");
    hub_.finish();
  }

  static SteadyTime now() { return std::chrono::steady_clock::now(); }
  static SteadyTime soon() { return now() + 30s; }

  static Frame direct(WorkerId from, WorkerId to, std::uint64_t sequence, const std::string& text) {
    Frame frame{{.kind = FrameKind::kDirect, .from = from.value(), .to = to.value(), .sequence = sequence}, text};
    frame.header.message_bytes = text.size();
    return frame;
  }
  Frame control(std::uint64_t control, std::uint64_t argument, std::string payload) {
    Frame frame{{.kind = FrameKind::kControl, .from = 1, .to = 0, .sequence = controls_++}, std::move(payload)};
    frame.header.tag = control;
    frame.header.argument = argument;
    frame.header.message_bytes = frame.payload.size();
    return frame;
  }
  static Frame given_up(WorkerId from, WorkerId to, std::uint64_t sequence) {
    Frame frame{{.kind = FrameKind::kGivenUp, .from = 1, .to = 0, .sequence = sequence}, {}};
    frame.header.tag = static_cast<std::uint64_t>(FrameKind::kDirect);
    frame.header.argument = std::uint64_t{from.value()} << 32 | to.value();
    return frame;
  }
  static std::string end_of(WorkerId worker, std::uint64_t messages, const std::string& how) {
    struct {
      std::uint64_t messages;
      std::uint32_t worker, collectives, how_bytes, reserved;
    } const entry{messages, worker.value(), 0, static_cast<std::uint32_t>(how.size()), 0};
    return std::string(reinterpret_cast<const char*>(&entry), sizeof entry) + how;
  }
  // As a word of interest has it.
  static std::string way(WorkerId from, WorkerId to) {
    const std::array<std::uint32_t, 2> entry{from.value(), to.value()};
    return {reinterpret_cast<const char*>(entry.data()), sizeof entry};
  }
  Result<void> arrive(Frame frame) {
    frame.header.frame_bytes = static_cast<std::uint32_t>(frame.payload.size());
    std::byte* place = GUST_TRY(sink_->begin_frame(PackId(1), frame.header));
    if (place == nullptr) return {};
    std::memcpy(place, frame.payload.data(), frame.payload.size());
    return sink_->end_frame(PackId(1), frame.header);
  }
  std::string receive(WorkerId self, WorkerId from, SteadyTime deadline) {
    const auto received = hub_.recv(self, from, deadline);
    if (!received) return received.error().message;
    return {reinterpret_cast<const char*>(received->data.bytes().data()), received->data.size()};
  }

  const WorkerId a_{0};
  const WorkerId b_{1};
  const WorkerId c_{2};
  const WorkerId d_{3};
  FrameSink* sink_ = nullptr;
  Wire wire_;
  std::uint64_t controls_ = 0;
  Hub hub_{Layout(4, {0, 2}, PackId(0)), HubOptions{.chunk_bytes = kChunk, .loss_grace = 1ms},
           [this](FrameSink& sink) -> Result<std::unique_ptr<Transport>> {
             sink_ = &sink;
             return std::make_unique<Played>(wire_);
           }};
};

TEST_F(HubRemoteTest, TheWordOfAnEndMayOvertakeMessages) {
  ASSERT_TRUE(arrive(control(kEnded, 0, end_of(c_, 3, "it failed: no such file"))));
  ASSERT_TRUE(arrive(direct(c_, b_, 0, "to b")));
  EXPECT_EQ(receive(a_, c_, now()), "timed out: worker 0 waited for a message from worker 2") << "more is to come";
  ASSERT_TRUE(arrive(direct(c_, a_, 1, "second")));
  std::jthread waits([this] {
    EXPECT_EQ(receive(a_, c_, soon()), "first");
    EXPECT_EQ(receive(a_, c_, soon()), "second");
    EXPECT_EQ(receive(a_, c_, soon()),
              "worker 2 has ended: it failed: no such file; worker 0 waited for a message from it");
  });
  ASSERT_TRUE(arrive(direct(c_, a_, 0, "first")));
  waits.join();
  EXPECT_EQ(receive(b_, c_, soon()), "to b");
}

TEST_F(HubRemoteTest, AMessageThatWasGivenUpHoldsUpNobody) {
  Frame half = direct(c_, a_, 0, "half");
  half.header.message_bytes = 8;
  ASSERT_TRUE(arrive(half));
  ASSERT_TRUE(arrive(direct(c_, a_, 1, "next")));
  ASSERT_TRUE(arrive(given_up(c_, a_, 3))) << "before any of it has come";
  ASSERT_TRUE(arrive(direct(c_, a_, 3, "unwanted")));
  ASSERT_TRUE(arrive(direct(c_, a_, 4, "last")));
  EXPECT_EQ(receive(a_, c_, now()), "timed out: worker 0 waited for a message from worker 2");
  ASSERT_TRUE(arrive(given_up(c_, a_, 0)));
  ASSERT_TRUE(arrive(given_up(c_, a_, 0))) << "again";
  EXPECT_EQ(receive(a_, c_, now()), "next");
  ASSERT_TRUE(arrive(control(kEnded, 0, end_of(c_, 5, "it returned"))));
  ASSERT_TRUE(arrive(direct(c_, a_, 2, "then")));
  EXPECT_EQ(receive(a_, c_, now()), "then");
  EXPECT_EQ(receive(a_, c_, now()), "last");
  EXPECT_EQ(receive(a_, c_, soon()), "worker 2 has ended: it returned; worker 0 waited for a message from it");
}

TEST_F(HubRemoteTest, OnlyMessagesThatWereForThisPackCanBeGivenUp) {
  EXPECT_FALSE(arrive(given_up(a_, b_, 0))) << "its own";
  EXPECT_FALSE(arrive(given_up(c_, d_, 0))) << "the other's own";
  EXPECT_FALSE(arrive(given_up(WorkerId(7), a_, 0)));
  Frame of_control = given_up(WorkerId(1), WorkerId(0), 0);
  of_control.header.tag = static_cast<std::uint64_t>(FrameKind::kControl);
  EXPECT_FALSE(arrive(of_control));
}

TEST_F(HubRemoteTest, ASendThatTimesOutHalfWayIsGivenUp) {
  wire_.answer([](const FrameHeader& header) -> Result<void> {
    if (header.kind == FrameKind::kDirect && header.offset > 0)
      return fail(ErrorCode::kTimedOut, "the network is slow");
    return {};
  });
  const auto sent = hub_.send(a_, c_, Buffer::make(3 * kChunk), now());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
  const Frame word = wire_.first([](const FrameHeader& header) { return header.kind == FrameKind::kGivenUp; });
  EXPECT_EQ(word.header.tag, static_cast<std::uint64_t>(FrameKind::kDirect));
  EXPECT_EQ(word.header.argument, std::uint64_t{a_.value()} << 32 | c_.value());
  EXPECT_EQ(word.header.sequence, 0u);
  ASSERT_TRUE(hub_.send(a_, c_, Buffer::make(1), soon()));
  const auto next = wire_.first([](const FrameHeader& header) { return header.sequence == 1; });
  EXPECT_EQ(next.header.kind, FrameKind::kDirect);
}

TEST_F(HubRemoteTest, AWordThatTimesOutIsSaidAgain) {
  wire_.answer([refused = 0](const FrameHeader& header) mutable -> Result<void> {
    if (header.kind != FrameKind::kControl || header.tag != kInterest || ++refused > 2) return {};
    return fail(ErrorCode::kTimedOut, "the network is slow");
  });
  std::jthread waits([this] { EXPECT_EQ(receive(a_, c_, soon()), "at last"); });
  const Frame first = wire_.first([](const FrameHeader& header) { return header.tag == kInterest; });
  EXPECT_EQ(first.payload, way(c_, a_));
  // None is missing: what has a later number could not be read.
  const Frame word = wire_.first([](const FrameHeader& header) { return header.sequence == 0; });
  EXPECT_EQ(word.header.kind, FrameKind::kControl);
  ASSERT_TRUE(arrive(direct(c_, a_, 0, "at last")));
}

TEST_F(HubRemoteTest, VeryManyStartedReceivesAreToldOfInOneWord) {
  std::vector<std::shared_ptr<StartedReceive>> receives;
  for (int i = 0; i < 500; ++i) {
    for (const WorkerId from : {c_, d_}) {
      auto started = hub_.start_recv(a_, from);
      ASSERT_TRUE(started) << started.error().message;
      receives.push_back(std::move(*started));
    }
  }
  std::string word;
  for (const std::uint64_t chunk : {0, 1}) {
    word +=
        wire_
            .first([&](const FrameHeader& header) {
              return header.tag == kInterest && header.message_bytes == 2 * kChunk && header.offset == chunk * kChunk;
            })
            .payload;
  }
  EXPECT_EQ(word, way(c_, a_) + way(d_, a_));
}

TEST_F(HubRemoteTest, WhoeverIsToldAnythingIsToldOfEveryEnd) {
  hub_.worker_ended(a_, 0, "returned");  // before there is anybody to be told
  const auto late = hub_.recv(b_, d_, now() + 50ms);
  EXPECT_FALSE(late);
  EXPECT_EQ(wire_.first([](const FrameHeader& header) { return header.tag == kInterest; }).header.kind,
            FrameKind::kControl);
  hub_.worker_ended(b_, 0, "returned");
  hub_.finish();
  std::string ends;
  const auto is_end = [](const FrameHeader& header) {
    return header.kind == FrameKind::kControl && header.tag == kEnded;
  };
  for (const Frame& frame : wire_.sent(is_end)) ends += frame.payload;
  EXPECT_EQ(ends, end_of(a_, 0, "returned") + end_of(b_, 0, "returned")) << "it sees the connection close";
}

// Control frames of all kinds with any payload and any argument, among messages: none takes anything else with it, and
// what comes in good order afterwards is obeyed.
TEST_F(HubRemoteTest, DamagedControlFramesHurtNothingElse) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string payload;
    if (random() % 2 == 0) {
      // The end of a worker, which may be none of pack 1's, before very much that it says it has sent; and damaged.
      const WorkerId worker(random() % 2 == 0 ? 2 : random() % 5);
      payload = end_of(worker, 1'000'000 + random() % 3, std::string(random() % 9, 'e'));
      constexpr std::size_t kMessages = sizeof(std::uint64_t);
      const std::size_t at = kMessages + random() % (payload.size() - kMessages);
      payload[at] = static_cast<char>(payload[at] ^ 1 << random() % 8);
      if (random() % 2 == 0) payload.resize(random() % payload.size());
    } else {
      payload.resize(random() % 64);
      for (char& byte : payload) byte = static_cast<char>(random());
    }
    std::uint64_t kind = random() % 9;
    if (kind == kFailed) kind = 255;  // it would end collectives, whatever it says
    const std::uint64_t argument = random() % 2 == 0 ? random() % 4 : random();
    ASSERT_TRUE(arrive(control(kind, argument, payload)));
  }
  ASSERT_TRUE(arrive(direct(d_, a_, 0, "still here")));
  EXPECT_EQ(receive(a_, d_, soon()), "still here");
}

}  // namespace
}  // namespace gust::message
