// Connections that should not be, and connections that break.
#include "transport/tcp/tcp.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <sys/socket.h>

#include "message/hub.h"
#include "transport/tcp/sockets.h"
#include "transport/tcp/wire.h"

namespace gust::transport {
namespace {

using namespace std::chrono_literals;
using message::FrameHeader;
using message::FrameKind;
using message::Hub;
using message::Layout;

const std::string kFlare(32, 'f');
const std::string kToken(32, 't');

// Pack 0 of two, each with one worker; the other one is played by the test.
class TcpTest : public ::testing::Test {
 protected:
  TcpTest()
      : hub_(Layout(2, {0, 1}, PackId(0)), {.loss_grace = 1ms},
             [this](message::FrameSink& sink) -> Result<std::unique_ptr<message::Transport>> {
               auto transport = GUST_TRY(TcpTransport::listen(
                   Layout(2, {0, 1}, PackId(0)), {.flare_id = kFlare, .token = kToken, .local = Local::kTcp}, sink));
               address_ = transport->address();
               return transport;
             }) {
    EXPECT_FALSE(hub_.recv(WorkerId(0), WorkerId(1), std::chrono::steady_clock::now()));  // makes it listen
  }
  ~TcpTest() override {
    hub_.worker_ended(WorkerId(0), 0, "it returned");
    hub_.pack_ended(PackId(1));
    hub_.finish();
  }

  static SteadyTime soon() { return std::chrono::steady_clock::now() + 30s; }
  static Hello good_hello() {
    Hello hello;
    hello.from_pack = 1;
    hello.to_pack = 0;
    std::ranges::copy(kFlare, hello.flare_id.begin());
    std::ranges::copy(kToken, hello.token.begin());
    return hello;
  }
  static FrameHeader frame(std::uint64_t sequence, std::uint32_t bytes) {
    FrameHeader header;
    header.kind = FrameKind::kDirect;
    header.from = 1;
    header.to = 0;
    header.sequence = sequence;
    header.frame_bytes = bytes;
    header.message_bytes = bytes;
    return header;
  }
  UniqueFd connect() {
    auto socket = connect_to(address_, soon());
    EXPECT_TRUE(socket) << socket.error().message;
    return std::move(*socket);
  }
  template <class Plain>
  static void write(const UniqueFd& socket, const Plain& plain) {
    EXPECT_EQ(::send(socket.get(), &plain, sizeof plain, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof plain));
  }
  // The other end is closed: nothing ever comes back on a connection.
  static bool is_closed(const UniqueFd& socket) {
    char byte = 0;
    return wait_ready(socket.get(), POLLIN, soon()).has_value() && ::recv(socket.get(), &byte, 1, 0) <= 0;
  }

  std::string address_;
  Hub hub_;
};

TEST_F(TcpTest, AStrangerIsRefused) {
  const auto refused = [&](auto change) {
    Hello hello = good_hello();
    change(hello);
    const UniqueFd socket = connect();
    write(socket, hello);
    return is_closed(socket);
  };
  EXPECT_TRUE(refused([](Hello& hello) { hello.magic = 0x20544547; }));
  EXPECT_TRUE(refused([](Hello& hello) { hello.version += 1; }));
  EXPECT_TRUE(refused([](Hello& hello) { hello.token[31] = 'u'; }));
  EXPECT_TRUE(refused([](Hello& hello) { hello.flare_id[0] = 'e'; }));
  EXPECT_TRUE(refused([](Hello& hello) { hello.to_pack = 1; }));
  EXPECT_TRUE(refused([](Hello& hello) { hello.from_pack = 2; }));
}

TEST_F(TcpTest, CopiesOfFramesAreDropped) {
  const UniqueFd socket = connect();
  write(socket, good_hello());
  for (const std::uint64_t sequence : {1, 0, 1, 0, 0, 2}) {
    write(socket, frame(sequence, sizeof sequence));
    write(socket, sequence);
  }
  for (std::uint64_t expected = 0; expected < 3; ++expected) {
    const auto received = hub_.recv(WorkerId(0), WorkerId(1), soon());
    ASSERT_TRUE(received) << received.error().message;
    ASSERT_EQ(received->data.size(), sizeof expected);
    EXPECT_EQ(std::memcmp(received->data.bytes().data(), &expected, sizeof expected), 0);
  }
}

TEST_F(TcpTest, AConnectionThatBreaksInAFrameEndsTheCallsThatWait) {
  {
    const UniqueFd socket = connect();
    write(socket, good_hello());
    write(socket, frame(0, 100));
    write(socket, 'x');
  }
  const auto received = hub_.recv(WorkerId(0), WorkerId(1), soon());
  ASSERT_FALSE(received);
  EXPECT_NE(received.error().message.find("pack 1 (worker 1) is lost"), std::string::npos) << received.error().message;
}

TEST_F(TcpTest, HostileFramesEndTheConnectionAndNothingElse) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const UniqueFd socket = connect();
    write(socket, good_hello());
    FrameHeader header = frame(random() % 3, random() % 64);
    auto* bytes = reinterpret_cast<unsigned char*>(&header);
    for (int change = 0; change < 3; ++change) bytes[random() % sizeof header] = static_cast<unsigned char>(random());
    header.message_bytes %= 1 << 20;  // memory is given for what is announced
    write(socket, header);
    write(socket, header);
  }
  SUCCEED() << "it did not crash";
}

}  // namespace
}  // namespace gust::transport
