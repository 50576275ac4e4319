// A RabbitMQ server that is away, refuses, is killed, or has no memory.
#include "transport/rabbitmq/rabbitmq.h"

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

#include "base/ids.h"
#include "transport/rabbitmq/address.h"
#include "transport/rabbitmq/connection.h"
#include "transport/testing/flare.h"
#include "transport/testing/rabbitmq_server.h"

namespace gust::transport::rabbitmq {
namespace {

using namespace std::chrono_literals;
using message::Buffer;
using message::HubOptions;
using testing::Flare;
using testing::Implementation;
using testing::is_pattern;
using testing::pattern;
using testing::Worker;

constexpr std::size_t kMiB = std::size_t{1} << 20;

SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

TEST(RabbitmqAddress, SaysWhereTheServerIs) {
  const auto all = parse_uri("amqp://me:p%40ss@example.org:1234/my%2Fhost?durable=true");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->user, "me");
  EXPECT_EQ(all->password, "p@ss");
  EXPECT_EQ(all->vhost, "my/host");
  EXPECT_TRUE(all->durable);
  EXPECT_EQ(all->name(), "rabbitmq at example.org:1234");
  for (const char* uri : {"amqp://example.org", "amqp://example.org/"}) {
    const auto least = parse_uri(uri);
    ASSERT_TRUE(least);
    EXPECT_EQ(least->port, 5672);
    EXPECT_EQ(least->user, "guest");
    EXPECT_EQ(least->vhost, "/");
    EXPECT_FALSE(least->durable);
  }
}

TEST(RabbitmqAddress, IsNotRepeatedWhenItIsNone) {
  for (const char* uri : {"", "redis://u:secret@h", "amqp://u:secret@h:port", "amqp://u:secret@h?durable=perhaps"}) {
    const auto address = parse_uri(uri);
    ASSERT_FALSE(address) << uri;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(address.error().message.find("secret"), std::string::npos) << address.error().message;
  }
}

// Two packs of one worker each; what arrives is not looked at.
struct Nobody final : message::FrameSink {
  Result<std::byte*> begin_frame(PackId /*from*/, const message::FrameHeader& /*header*/) override { return nullptr; }
  Result<void> end_frame(PackId /*from*/, const message::FrameHeader& /*header*/) override { return {}; }
  void peer_lost(PackId /*pack*/, const Error& /*cause*/) override {}
};

class RabbitmqTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = testing::rabbitmq_missing(); !missing.empty()) GTEST_SKIP() << missing;
    server_ = testing::shared_rabbitmq();
  }
  // Every test removes its flares' queues; one look at the end, because it takes seconds.
  static void TearDownTestSuite() {
    if (testing::shared_rabbitmq() == nullptr) return;
    const auto queues = testing::shared_rabbitmq()->control("list_queues name");
    ASSERT_TRUE(queues) << queues.error().message;
    EXPECT_EQ(queues->find("gust:"), std::string::npos) << *queues;
  }

  static Implementation transient() {
    return {"rabbitmq", [](std::uint32_t packs) {
              return testing::via_server("rabbitmq", testing::shared_rabbitmq()->uri(), packs, kMiB);
            }};
  }
  static Implementation durable() {
    return {"rabbitmq", [](std::uint32_t packs) {
              return testing::via_server("rabbitmq", testing::shared_rabbitmq()->uri("?durable=true"), packs, kMiB);
            }};
  }

  // The first of two workers sends messages to the other until `enough` says so; an empty one is the end. The other
  // checks them and counts them in received_; its failure is returned.
  std::string stream(const Implementation& implementation, const std::function<bool(std::uint32_t)>& enough) {
    std::string failure;
    Flare flare(implementation, {1, 1});
    flare.run([&](Worker& self) {
      if (self.id.value() == 0) {
        bool sent = true;
        for (std::uint32_t i = 0; sent && !enough(i); ++i) {
          sent = self.hub.send(self.id, WorkerId(1), pattern(kSize, i), self.deadline).has_value();
        }
        EXPECT_TRUE(!sent || self.hub.send(self.id, WorkerId(1), Buffer(), self.deadline));
        return;
      }
      for (std::uint32_t i = 0;; ++i) {
        const auto received = self.hub.recv(self.id, WorkerId(0), self.deadline);
        if (!received) failure = received.error().message;
        if (!received || received->data.size() == 0) break;
        EXPECT_TRUE(is_pattern(received->data, kSize, i)) << i;
        received_ = i + 1;
        received_.notify_all();
      }
    });
    return failure;
  }
  static message::FrameHeader frame_of(const Buffer& data) {
    return {.kind = message::FrameKind::kDirect,
            .to = 1,
            .frame_bytes = static_cast<std::uint32_t>(data.size()),
            .message_bytes = data.size()};
  }
  void wait_for_first_messages() {
    for (std::uint32_t now = received_; now < 20; now = received_) received_.wait(now);
  }

  static constexpr std::size_t kSize = 300'000;
  testing::RabbitServer* server_ = nullptr;
  std::atomic<std::uint32_t> received_ = 0;
};

Result<std::unique_ptr<message::Transport>> open(const std::string& uri, message::FrameSink& sink,
                                                 const std::string& flare = std::string(32, 'f')) {
  return kBackends[0].open(message::Layout(2, {0, 1}, PackId(0)), {.uri = uri, .flare_id = flare}, sink);
}

TEST_F(RabbitmqTest, AServerThatIsNotThereIsNamed) {
  const auto port = testing::free_port();
  ASSERT_TRUE(port);
  Nobody sink;
  const auto transport = open("amqp://me:secret@127.0.0.1:" + std::to_string(*port), sink);
  ASSERT_FALSE(transport);
  EXPECT_EQ(transport.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(transport.error().message.find("rabbitmq at 127.0.0.1:" + std::to_string(*port)), std::string::npos);
  EXPECT_EQ(transport.error().message.find("secret"), std::string::npos) << transport.error().message;
}

TEST_F(RabbitmqTest, AWrongPasswordIsRefused) {
  Nobody sink;
  const auto transport = open("amqp://guest:secret@127.0.0.1:" + std::to_string(server_->broker().port()) + "/", sink);
  ASSERT_FALSE(transport);
  EXPECT_EQ(transport.error().code, ErrorCode::kDenied) << transport.error().message;
  EXPECT_EQ(transport.error().message.find("secret"), std::string::npos) << transport.error().message;
}

TEST_F(RabbitmqTest, FramesOfAMebibyteArriveWhole) {
  Flare flare(transient(), {1, 2}, HubOptions{.chunk_bytes = kMiB});
  flare.run([](Worker& self) {
    constexpr std::size_t kBytes = 40 * kMiB + 17;
    const WorkerId next((self.id.value() + 1) % 3);
    const WorkerId previous((self.id.value() + 2) % 3);
    EXPECT_TRUE(self.hub.send(self.id, next, pattern(kBytes, self.id.value()), self.deadline));
    const auto received = self.hub.recv(self.id, previous, self.deadline);
    ASSERT_TRUE(received) << received.error().message;
    EXPECT_TRUE(is_pattern(received->data, kBytes, previous.value()));
  });
}

TEST_F(RabbitmqTest, AFlareGoesOnWhenConnectionsAreCut) {
  std::atomic<bool> done = false;
  std::uint32_t sent = 0;
  std::string failure;
  std::jthread flare([&] {
    failure = stream(transient(), [&](std::uint32_t i) {
      sent = i;
      return done.load();
    });
  });
  wait_for_first_messages();
  const auto closed = server_->control("close_all_connections test");
  EXPECT_TRUE(closed) << closed.error().message;
  done = true;
  flare.join();
  EXPECT_EQ(failure, "");
  EXPECT_EQ(received_, sent);
}

TEST_F(RabbitmqTest, AFlareFailsWithTheCauseWhenItsServerIsKilledAndStartedAgain) {
  std::string failure;
  std::jthread flare([&] { failure = stream(transient(), [](std::uint32_t) { return false; }); });
  wait_for_first_messages();
  server_->broker().kill();
  const auto restarted = server_->broker().restart();
  ASSERT_TRUE(restarted) << restarted.error().message;
  flare.join();
  EXPECT_NE(failure.find("has lost this flare's messages: it was started anew"), std::string::npos) << failure;
}

TEST_F(RabbitmqTest, ADurableFlareGoesOnWhenItsServerIsKilledAndStartedAgain) {
  constexpr std::uint32_t kMessages = 150;
  std::string failure;
  std::jthread flare([&] { failure = stream(durable(), [](std::uint32_t i) { return i == kMessages; }); });
  wait_for_first_messages();
  server_->broker().kill();
  EXPECT_LT(received_, kMessages);
  const auto restarted = server_->broker().restart();
  ASSERT_TRUE(restarted) << restarted.error().message;
  flare.join();
  EXPECT_EQ(failure, "");
  EXPECT_EQ(received_, kMessages);
}

TEST_F(RabbitmqTest, AServerWithoutMemoryHoldsBackSenders) {
  Nobody sink;
  const std::string flare = random_hex_id();
  auto transport = open(server_->uri(), sink, flare);
  ASSERT_TRUE(transport) << transport.error().message;
  const Buffer data = pattern(16 << 10, 1);
  const message::Piece piece = data.bytes();
  const message::FrameHeader header = frame_of(data);
  ASSERT_TRUE(server_->control("set_vm_memory_high_watermark 0.000001"));
  // It takes the first message of a connection, says that it wants no more, and reads no more.
  Result<void> sent = (*transport)->send(PackId(1), header, {&piece, 1}, in(30s));
  ASSERT_TRUE(sent) << sent.error().message;
  Result<std::string> states;
  do {
    states = server_->control("list_connections state");
    ASSERT_TRUE(states) << states.error().message;
  } while (states->find("blocked") == std::string::npos);
  for (int i = 0; i < 6400 && sent; ++i) sent = (*transport)->send(PackId(1), header, {&piece, 1}, in(500ms));
  ASSERT_FALSE(sent) << "100 MiB were taken by a server that has no memory";
  EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
  EXPECT_NE(sent.error().message.find("does not take what is sent to pack 1 (worker 1): it is low on memory"),
            std::string::npos)
      << sent.error().message;
  ASSERT_TRUE(server_->control("set_vm_memory_high_watermark 0.4"));
  for (int i = 0; i < 6400; ++i) {
    sent = (*transport)->send(PackId(1), header, {&piece, 1}, in(30s));
    ASSERT_TRUE(sent) << sent.error().message;
  }
  transport->reset();
  EXPECT_TRUE(kBackends[0].remove_flare({.uri = server_->uri(), .flare_id = flare}, 2));
}

TEST_F(RabbitmqTest, AServerThatDoesNotAnswerEndsCallsAtTheirDeadlineOrWhenStopped) {
  Nobody sink;
  const std::string flare = random_hex_id();
  auto transport = open(server_->uri(), sink, flare);
  ASSERT_TRUE(transport) << transport.error().message;
  const Buffer data = pattern(kMiB, 1);
  const message::Piece piece = data.bytes();
  const message::FrameHeader header = frame_of(data);
  server_->broker().freeze();
  Result<void> sent;
  for (int i = 0; i < 100 && sent; ++i) sent = (*transport)->send(PackId(1), header, {&piece, 1}, in(200ms));
  EXPECT_FALSE(sent);
  EXPECT_EQ(sent ? ErrorCode::kUnknown : sent.error().code, ErrorCode::kTimedOut);
  {
    std::jthread blocked([&] { sent = (*transport)->send(PackId(1), header, {&piece, 1}, in(60s)); });
    (*transport)->stop();
  }
  EXPECT_FALSE(sent);
  EXPECT_EQ(sent ? ErrorCode::kUnknown : sent.error().code, ErrorCode::kUnavailable);
  const SteadyTime begin = std::chrono::steady_clock::now();
  transport->reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  server_->broker().thaw();
  EXPECT_TRUE(kBackends[0].remove_flare({.uri = server_->uri(), .flare_id = flare}, 2));
}

TEST_F(RabbitmqTest, ADeletedQueueIsACause) {
  const std::string flare_id = random_hex_id();
  message::Hub hub(message::Layout(2, {0, 1}, PackId(0)), {.loss_grace = 1ms},
                   [&](message::FrameSink& sink) { return open(server_->uri(), sink, flare_id); });
  // It consumes from the queue once a message has come that way.
  auto other = Connection::open(*parse_uri(server_->uri()));
  ASSERT_TRUE(other) << other.error().message;
  const message::FrameHeader empty{.kind = message::FrameKind::kDirect, .from = 1};
  ASSERT_TRUE((*other)->declare(queue_name(flare_id, PackId(0)), Declare::kMake));
  ASSERT_TRUE((*other)->publish(queue_name(flare_id, PackId(0)), std::as_bytes(std::span(&empty, 1))));
  EXPECT_TRUE(hub.recv(WorkerId(0), WorkerId(1), in(60s)));
  std::jthread waiting([&] {
    const auto received = hub.recv(WorkerId(0), WorkerId(1), in(60s));
    ASSERT_FALSE(received);
    EXPECT_NE(received.error().message.find("somebody has deleted the queue"), std::string::npos)
        << received.error().message;
  });
  EXPECT_TRUE(kBackends[0].remove_flare({.uri = server_->uri(), .flare_id = flare_id}, 2));
  waiting.join();
  hub.worker_ended(WorkerId(0), 0, "it returned");
  hub.finish();
  EXPECT_TRUE(kBackends[0].remove_flare({.uri = server_->uri(), .flare_id = flare_id}, 2));
}

TEST_F(RabbitmqTest, AStrangersMessagesAreDropped) {
  const std::string flare_id = random_hex_id();
  message::Hub hub(message::Layout(2, {0, 1}, PackId(0)), {.loss_grace = 1ms},
                   [&](message::FrameSink& sink) { return open(server_->uri(), sink, flare_id); });
  const auto address = parse_uri(server_->uri());
  auto stranger = Connection::open(*address);
  ASSERT_TRUE(stranger) << stranger.error().message;
  const std::string queue = queue_name(flare_id, PackId(0));
  ASSERT_TRUE((*stranger)->declare(queue, Declare::kMake));
  message::FrameHeader header{.kind = message::FrameKind::kDirect, .from = 1, .frame_bytes = 4, .message_bytes = 4};
  std::string good(reinterpret_cast<const char*>(&header), sizeof header);
  header.from = 77;  // no such worker
  const std::string foreign(reinterpret_cast<const char*>(&header), sizeof header);
  for (const std::string& body : {std::string(), std::string("hello"), good, good + "toolong", foreign + "word",
                                  std::string(100, '\xff'), good + "word"}) {
    ASSERT_TRUE((*stranger)->publish(queue, std::as_bytes(std::span(body))));
  }
  const auto received = hub.recv(WorkerId(0), WorkerId(1), in(60s));
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_EQ(std::memcmp(received->data.bytes().data(), "word", 4), 0);
  hub.worker_ended(WorkerId(0), 0, "it returned");
  hub.finish();
  stranger->reset();
  EXPECT_TRUE(kBackends[0].remove_flare({.uri = server_->uri(), .flare_id = flare_id}, 2));
}

}  // namespace
}  // namespace gust::transport::rabbitmq
