// The server that fails in the middle, and what is left behind.
#include "transport/testing/s3.h"

#include <atomic>
#include <gtest/gtest.h>

#include "objectstore/s3/s3_store.h"
#include "transport/s3/objects.h"
#include "transport/s3/s3_transport.h"
#include "transport/testing/flare.h"

namespace gust::transport::s3 {
namespace {

using namespace std::chrono_literals;
using message::Buffer;
using message::FrameHeader;
using message::Layout;
using objectstore::S3Store;
using objectstore::testing::S3Server;
using testing::Flare;
using testing::Implementation;
using testing::is_pattern;
using testing::Network;
using testing::pattern;
using testing::via_server;
using testing::Worker;
using Clock = std::chrono::steady_clock;

S3Server* server = nullptr;  // of the test that runs: Implementation::make is a plain function

std::unique_ptr<Network> over_server(std::uint32_t packs) {
  return via_server("s3", server->uri("tests"), packs, testing::kSmallChunk);
}
constexpr Implementation kS3 = {"s3", over_server};
const message::HubOptions kOptions{.chunk_bytes = testing::kSmallChunk};

class S3Test : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = testing::s3_missing();
    if (!missing.empty()) GTEST_SKIP() << missing;
    server = *testing::shared_s3();
  }
  static std::size_t objects_left() {
    S3Store store(server->options());
    const auto page = store.list("", "", 1000, {Clock::now() + 30s});
    EXPECT_TRUE(page) << page.error().message;
    return page ? page->objects.size() : 0;
  }
};

// Takes what comes and remembers what was lost.
class Sink final : public message::FrameSink {
 public:
  Result<std::byte*> begin_frame(PackId /*from*/, const FrameHeader& header) override {
    place_.resize(header.frame_bytes + 1);
    return place_.data();
  }
  Result<void> end_frame(PackId /*from*/, const FrameHeader& /*header*/) override {
    ++frames;
    return {};
  }
  void peer_lost(PackId /*pack*/, const Error& /*cause*/) override { ++lost; }
  std::atomic<int> frames = 0;
  std::atomic<int> lost = 0;

 private:
  std::vector<std::byte> place_;
};

TEST_F(S3Test, AServerThatIsKilledAndComesBackLosesNothing) {
  constexpr std::uint32_t kMessages = 120;
  std::atomic<std::uint32_t> received = 0;
  Flare flare(kS3, {1, 1, 1}, kOptions);
  std::jthread running([&] {
    flare.run([&](Worker& self) {
      for (std::uint32_t i = 0; i < kMessages; ++i) {
        const WorkerId to((self.id.value() + 1) % 3);
        const WorkerId from((self.id.value() + 2) % 3);
        const auto sent = self.hub.send(self.id, to, pattern(10'000, self.id.value() + i), self.deadline);
        ASSERT_TRUE(sent) << sent.error().message;
        const auto got = self.hub.recv(self.id, from, self.deadline);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_TRUE(is_pattern(got->data, 10'000, from.value() + i));
        received.fetch_add(1);
        received.notify_all();
      }
    });
  });
  for (const std::uint32_t enough : {30u, 150u}) {
    for (std::uint32_t seen = received; seen < enough; seen = received) received.wait(seen);
    server->process().kill();
    ASSERT_TRUE(server->process().restart());
  }
  running.join();
  EXPECT_EQ(received, 3 * kMessages);
}

TEST_F(S3Test, NothingIsLeftAfterSuccessNorAfterAFailure) {
  const std::size_t before = objects_left();
  {
    Flare flare(kS3, {2, 2}, kOptions);
    flare.run([](Worker& self) {
      // Nobody receives these; they are sent while all are there, as who has ended is not sent to.
      const WorkerId other((self.id.value() + 2) % 4);
      EXPECT_TRUE(self.hub.send(self.id, other, pattern(100, 1), self.deadline));
      const auto done = self.collectives.barrier(self.id, self.deadline);
      EXPECT_TRUE(done) << done.error().message;
    });
  }
  EXPECT_EQ(objects_left(), before);
  {
    Flare flare(kS3, {1, 1}, kOptions);
    flare.run([&flare](Worker& self) {
      if (self.id.value() == 0) {
        EXPECT_TRUE(self.hub.send(self.id, WorkerId(1), pattern(50'000, 1), self.deadline));
        EXPECT_FALSE(self.hub.recv(self.id, WorkerId(1), self.deadline));
        return;
      }
      EXPECT_TRUE(self.hub.recv(self.id, WorkerId(0), self.deadline));
      for (std::uint32_t pack : {0, 1}) flare.hub(pack).abort({ErrorCode::kCancelled, "somebody asked for the end"});
    });
  }
  EXPECT_EQ(objects_left(), before);
}

TEST_F(S3Test, SmallFramesThatWaitShareObjects) {
  const BackendOptions options{.uri = server->uri("sharing"), .flare_id = random_hex_id()};
  Sink sink;
  auto transport = open(Layout(2, {0, 1}, PackId(0)), options, sink);
  ASSERT_TRUE(transport) << transport.error().message;
  FrameHeader header;
  header.kind = message::FrameKind::kDirect;
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE((*transport)->send(PackId(1), header, {}, Clock::now() + 60s));
  transport->reset();  // when all have been put
  S3Store store(*objectstore::parse_s3_uri(options.uri));
  const auto page = store.list(inbox_prefix(options.flare_id, PackId(1)), "", 1000, {Clock::now() + 30s});
  ASSERT_TRUE(page);
  EXPECT_LT(page->objects.size(), 400);
  std::uint64_t bytes = 0;
  for (const auto& object : page->objects) bytes += object.bytes;
  EXPECT_EQ(bytes, 2000 * sizeof header);
  EXPECT_TRUE(remove_flare(options, 2));
  EXPECT_TRUE(remove_flare(options, 2)) << "of one that is gone";
}

TEST_F(S3Test, HostileObjectsLoseTheirSenderAndNothingElse) {
  const BackendOptions options{.uri = server->uri("hostile"), .flare_id = random_hex_id()};
  S3Store store(*objectstore::parse_s3_uri(options.uri));
  const std::string inbox = inbox_prefix(options.flare_id, PackId(0));
  const auto put = [&](const std::string& name, std::string_view content) {
    const objectstore::Piece piece = std::as_bytes(std::span(content));
    EXPECT_TRUE(store.put(inbox + name, {&piece, 1}, {Clock::now() + 30s}));
  };
  Sink sink;
  auto transport = open(Layout(2, {0, 1}, PackId(0)), options, sink);
  ASSERT_TRUE(transport) << transport.error().message;
  put("not a pack/0000000000000000", "x");
  put("7/0000000000000000", "from a pack that is none");
  put("1/12", "x");
  put(object_name(PackId(1), 0), "too short for a header");
  while (sink.lost == 0) std::this_thread::yield();
  EXPECT_EQ(sink.frames, 0);
  transport->reset();
  EXPECT_TRUE(remove_flare(options, 2));
}

TEST_F(S3Test, AServerThatDoesNotAnswerHoldsUpSendersUntilTheirDeadline) {
  const BackendOptions options{.uri = server->uri("silent"), .flare_id = random_hex_id()};
  Sink sink;
  auto transport = open(Layout(2, {0, 1}, PackId(0)), options, sink);
  ASSERT_TRUE(transport) << transport.error().message;
  server->process().freeze();
  const Buffer data = pattern(1 << 20, 1);
  const message::Piece piece = data.bytes();
  FrameHeader header;
  header.frame_bytes = 1 << 20;
  Result<void> sent;
  for (int i = 0; sent && i < 1000; ++i) sent = (*transport)->send(PackId(1), header, {&piece, 1}, Clock::now() + 50ms);
  ASSERT_FALSE(sent) << "memory has to be bounded";
  EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
  EXPECT_NE(sent.error().message.find("pack 1"), std::string::npos) << sent.error().message;
  (*transport)->stop();
  const auto stopped = (*transport)->send(PackId(1), header, {&piece, 1}, Clock::now() + 60s);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kUnavailable);
  transport->reset();
  server->process().thaw();
  EXPECT_TRUE(remove_flare(options, 2));
}

TEST(S3Open, WhatCannotBeOpenedIsSaid) {
  Sink sink;
  const Layout layout(2, {0, 1}, PackId(0));
  BackendOptions options{.uri = "s3://key:hush@127.0.0.1:1/bucket?tls=false", .flare_id = random_hex_id()};
  const auto unreachable = open(layout, options, sink);
  ASSERT_FALSE(unreachable);
  EXPECT_EQ(unreachable.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(unreachable.error().message.find("at 127.0.0.1:1"), std::string::npos) << unreachable.error().message;
  EXPECT_EQ(unreachable.error().message.find("hush"), std::string::npos);
  options.uri = "redis://somewhere";
  const auto wrong = open(layout, options, sink);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalid);
}

TEST(S3Objects, HaveNamesThatAreReadBack) {
  EXPECT_EQ(object_name(PackId(12), 0x1234abcd), "12/000000001234abcd");
  const auto name = parse_object_name(object_name(PackId(12), 0x1234abcd));
  ASSERT_TRUE(name);
  EXPECT_EQ(name->from, PackId(12));
  EXPECT_EQ(name->number, 0x1234abcd);
  for (const char* other : {"", "/", "1", "1/", "/0000000000000000", "x/0000000000000000", "1/000000000000000g",
                            "1/00000000000000000", "99999999999/0000000000000000"}) {
    EXPECT_FALSE(parse_object_name(other)) << other;
  }
}

}  // namespace
}  // namespace gust::transport::s3
