// What workers see when the server, or the way to it, fails in the middle of a flare.
#include <cstring>
#include <gtest/gtest.h>
#include <latch>

#include "transport/redis/link.h"
#include "transport/redis/session.h"
#include "transport/redis/transport.h"
#include "transport/testing/flare.h"
#include "transport/testing/redis_server.h"

namespace gust::transport::redis {
namespace {

using namespace std::chrono_literals;
using message::Buffer;
using message::Hub;
using message::Layout;
using testing::Flare;
using testing::is_pattern;
using testing::pattern;
using testing::Server;
using testing::Worker;

using Open = decltype(&open_list);
using Words = std::vector<std::string>;

const std::string kFlareId(32, 'f');
constexpr std::size_t kChunk = 4096;

SteadyTime soon(std::chrono::milliseconds patience = 60s) { return std::chrono::steady_clock::now() + patience; }

struct Kind {
  const char* name;
  Open open;
};

class Faults : public ::testing::TestWithParam<Kind> {
 protected:
  void start(const Words& arguments) {
    auto server = testing::start_redis(arguments);
    if (!server && server.error().code == ErrorCode::kNotFound) GTEST_SKIP() << server.error().message;
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  [[nodiscard]] BackendOptions options(std::size_t chunk = kChunk) const {
    return {.uri = testing::redis_uri(*server_), .flare_id = kFlareId, .chunk_bytes = chunk};
  }
  // The hub of one of two packs, each with one worker.
  std::unique_ptr<Hub> hub(std::uint32_t pack, std::size_t chunk = kChunk) {
    const Layout layout(2, {0, 1}, PackId(pack));
    return std::make_unique<Hub>(
        layout, message::HubOptions{.chunk_bytes = chunk, .loss_grace = 1ms},
        [this, layout, chunk](message::FrameSink& sink) { return GetParam().open(layout, options(chunk), sink); });
  }
  static void end(Hub& hub) {
    hub.worker_ended(hub.layout().local().first, 0, "returned");
    hub.finish();
  }
  std::string ask(const Words& words) {
    if (!asking_) asking_ = std::move(*Link::open(*parse_address(options().uri)));
    const auto answer = command(asking_->context(), words);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer.value_or("");
  }

  std::unique_ptr<Server> server_;
  std::unique_ptr<Link> asking_;
};

// Pack 0 sends messages of several chunks and waits for each one's echo, while the other thread does harm.
void echo(Hub& zero, Hub& one, int rounds, const std::function<void(int round)>& before) {
  std::jthread other([&] {
    for (int i = 0; i < rounds; ++i) {
      auto received = one.recv(WorkerId(1), WorkerId(0), soon());
      ASSERT_TRUE(received) << received.error().message;
      const auto sent = one.send(WorkerId(1), WorkerId(0), std::move(received->data), soon());
      ASSERT_TRUE(sent) << sent.error().message;
    }
  });
  for (int i = 0; i < rounds; ++i) {
    before(i);
    const std::size_t size = i % 2 == 0 ? 3 * kChunk + 1 : 10;
    const auto seed = static_cast<std::uint32_t>(i);
    const auto sent = zero.send(WorkerId(0), WorkerId(1), pattern(size, seed), soon());
    ASSERT_TRUE(sent) << sent.error().message;
    const auto received = zero.recv(WorkerId(0), WorkerId(1), soon());
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_TRUE(is_pattern(received->data, size, seed));
  }
}

TEST_P(Faults, ConnectionsThatAreCutLoseNothingAndDoubleNothing) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  const auto zero = hub(0);
  const auto one = hub(1);
  std::atomic<bool> done = false;
  std::jthread cutter([&] {
    const auto link = std::move(*Link::open(*parse_address(options().uri)));
    while (!done) {
      ASSERT_TRUE(command(link->context(), {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
      ::usleep(20'000);  // between two cuts something is to be sent
    }
  });
  echo(*zero, *one, 200, [](int) {});
  done = true;
  end(*zero);
  end(*one);
}

TEST_P(Faults, AServerThatKeepsItsDataIsWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(start({"--appendonly", "yes", "--appendfsync", "no"}));
  if (!server_) return;
  const auto zero = hub(0);
  const auto one = hub(1);
  echo(*zero, *one, 60, [this](int round) {
    if (round % 20 != 19) return;
    server_->kill();
    ASSERT_TRUE(server_->restart());
  });
  end(*zero);
  end(*one);
}

TEST_P(Faults, AServerThatLostItsDataEndsTheCallsThatWaitWithTheCause) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  const auto zero = hub(0);
  const auto one = hub(1);
  std::latch talking(1);
  Result<message::Received> got;
  std::jthread waiting([&] {
    ASSERT_TRUE(one->send(WorkerId(1), WorkerId(0), pattern(10, 1), soon()));
    talking.count_down();
    got = one->recv(WorkerId(1), WorkerId(0), soon());
  });
  talking.wait();
  ASSERT_TRUE(zero->recv(WorkerId(0), WorkerId(1), soon()));
  server_->kill();
  ASSERT_TRUE(server_->restart());
  const auto received = zero->recv(WorkerId(0), WorkerId(1), soon());
  waiting.join();
  for (const Error& error : {received.error(), got.error()}) {
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_NE(error.message.find("has lost the flare's messages"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("127.0.0.1:" + std::to_string(server_->port())), std::string::npos);
  }
  EXPECT_FALSE(zero->send(WorkerId(0), WorkerId(1), pattern(10, 2), soon()));
  end(*zero);
  end(*one);
}

TEST_P(Faults, AServerThatIsEmptiedEndsTheCallsThatWait) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  const auto zero = hub(0);
  std::jthread emptier([this] {
    while (ask({"DBSIZE"}) != "2") ::usleep(1000);  // until it has asked pack 1 for its message
    ask({"FLUSHALL"});
  });
  const auto received = zero->recv(WorkerId(0), WorkerId(1), soon());
  ASSERT_FALSE(received);
  EXPECT_NE(received.error().message.find("emptied"), std::string::npos) << received.error().message;
  emptier.join();
  end(*zero);
}

TEST_P(Faults, AServerThatDoesNotAnswerTimesOutAndIsForgiven) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  const auto zero = hub(0);
  const auto one = hub(1);
  echo(*zero, *one, 2, [](int) {});
  server_->freeze();
  const std::size_t large = std::size_t{32} << 20;  // more than sockets take
  const auto sent = zero->send(WorkerId(0), WorkerId(1), pattern(large, 0), soon(200ms));
  server_->thaw();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
  EXPECT_NE(sent.error().message.find("pack 1 (worker 1)"), std::string::npos) << sent.error().message;
  end(*zero);
  end(*one);
}

TEST_P(Faults, AServerThatIsNotThereIsNamed) {
  ASSERT_NO_FATAL_FAILURE(start({"--requirepass", "sesame"}));
  if (!server_) return;
  const auto open = [this](const std::string& uri) {
    BackendOptions wrong = options();
    wrong.uri = uri;
    struct NoSink final : message::FrameSink {
      Result<std::byte*> begin_frame(PackId, const message::FrameHeader&) override { return nullptr; }
      Result<void> end_frame(PackId, const message::FrameHeader&) override { return {}; }
      void peer_lost(PackId, const Error&) override {}
    } sink;
    const auto opened = GetParam().open(Layout(2, {0, 1}, PackId(0)), wrong, sink);
    return opened ? Error() : opened.error();
  };
  const std::string place = "127.0.0.1:" + std::to_string(server_->port());
  EXPECT_EQ(open("redis://:sesame@" + place).message, "");
  const Error denied = open("redis://:guess@" + place);
  EXPECT_EQ(denied.code, ErrorCode::kDenied);
  EXPECT_EQ(denied.message.find("guess"), std::string::npos) << denied.message;
  EXPECT_EQ(open("redis://" + place).code, ErrorCode::kDenied);
  EXPECT_EQ(open("http://" + place).code, ErrorCode::kInvalid);
  server_->kill();
  const Error absent = open("redis://:sesame@" + place);
  EXPECT_EQ(absent.code, ErrorCode::kUnavailable);
  EXPECT_NE(absent.message.find(place), std::string::npos) << absent.message;
  EXPECT_EQ(absent.message.find("sesame"), std::string::npos) << absent.message;
}

TEST_P(Faults, WhatAPackSentBeforeItLeftArrives) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  {
    const auto zero = hub(0);
    ASSERT_TRUE(zero->send(WorkerId(0), WorkerId(1), pattern(3 * kChunk, 7), soon()));
    zero->abort({ErrorCode::kCancelled, "it says no more"});
  }
  const auto one = hub(1);
  one->pack_left(PackId(0));
  const auto received = one->recv(WorkerId(1), WorkerId(0), soon());
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_TRUE(is_pattern(received->data, 3 * kChunk, 7));
  const auto nothing = one->recv(WorkerId(1), WorkerId(0), soon());
  ASSERT_FALSE(nothing);
  EXPECT_NE(nothing.error().message.find("worker 0 has ended"), std::string::npos) << nothing.error().message;
  end(*one);
}

TEST_P(Faults, WhatNobodyReadsDoesNotFillTheServer) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  constexpr std::size_t kMegabyte = std::size_t{1} << 20;
  const auto zero = hub(0, kMegabyte);
  const auto sent = zero->send(WorkerId(0), WorkerId(1), Buffer::make(200 * kMegabyte), soon(5s));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
  const std::string memory = ask({"INFO", "memory"});
  const std::string peak = memory.substr(memory.find("used_memory_peak:") + 17);
  EXPECT_LT(std::stoull(peak), 190 * kMegabyte);
  end(*zero);
}

TEST_P(Faults, WhatOthersWriteIntoAFlaresKeysEndsIt) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  const auto zero = hub(0);
  const std::string key = queue_key(kFlareId, PackId(0));
  std::jthread stranger([&] {
    if (GetParam().open == open_list) {
      ask({"RPUSH", key, "hello"});
    } else {
      ask({"XADD", key, "*", "f", std::string(56, 'x')});
    }
  });
  const auto received = zero->recv(WorkerId(0), WorkerId(1), soon());
  ASSERT_FALSE(received);
  EXPECT_NE(received.error().message.find("none of the flare's packs wrote"), std::string::npos)
      << received.error().message;
  stranger.join();
  end(*zero);
}

TEST_P(Faults, NothingIsLeft) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  if (!server_) return;
  {
    const auto zero = hub(0);
    ASSERT_TRUE(zero->send(WorkerId(0), WorkerId(1), pattern(5 * kChunk, 0), soon()));
    end(*zero);
  }
  const std::string key = queue_key(kFlareId, PackId(1));
  EXPECT_GT(std::stoll(ask({"TTL", key})), 0) << "without the controller it would stay for ever";
  EXPECT_GT(std::stoll(ask({"TTL", life_key(kFlareId)})), 0);
  ASSERT_TRUE(remove_flare(options(), 2));
  EXPECT_EQ(ask({"DBSIZE"}), "0");
  EXPECT_TRUE(remove_flare(options(), 2)) << "of a flare that is gone";
}

INSTANTIATE_TEST_SUITE_P(All, Faults, ::testing::Values(Kind{"list", open_list}, Kind{"stream", open_stream}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace gust::transport::redis
