// Connections that should not be, and connections that break.
#include "transport/tcp/tcp.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <sys/socket.h>

#include "base/ids.h"
#include "message/hub.h"
#include "message/reassembly.h"
#include "transport/tcp/ring.h"
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
  EXPECT_TRUE(refused([](Hello& hello) { hello.ring_bytes = 1 << 16; })) << "no memory comes with it";
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

// What a pack sends in good order: chunks of direct messages, of a collective, and control frames of all kinds.
std::string good_stream(std::mt19937& random) {
  std::string stream;
  const auto put = [&stream](const FrameHeader& header, const std::string& payload) {
    stream.append(reinterpret_cast<const char*>(&header), sizeof header);
    stream += payload;
  };
  for (std::uint64_t sequence = 0; sequence < 4; ++sequence) {
    FrameHeader header;
    header.kind = sequence % 2 == 0 ? FrameKind::kDirect : FrameKind::kCollective;
    header.from = 1;
    header.sequence = sequence / 2;
    header.message_bytes = 1 + random() % 200;
    while (header.offset < header.message_bytes) {
      header.frame_bytes =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(64, header.message_bytes - header.offset));
      put(header, std::string(header.frame_bytes, 'p'));
      header.offset += header.frame_bytes;
    }
  }
  for (std::uint64_t control = 0; control < 8; ++control) {
    FrameHeader header;
    header.kind = FrameKind::kControl;
    header.from = 1;
    header.sequence = control;
    header.tag = control;
    header.argument = random() % 3;
    std::string payload;
    if (random() % 4 != 0) payload = std::string("\1\0\0\0\0\0\0\0\5\0\0\0ended", 17);  // worker 1 has
    header.frame_bytes = static_cast<std::uint32_t>(payload.size());
    header.message_bytes = payload.size();
    put(header, payload);
  }
  return stream;
}

// Bytes are changed, left out, put in, said again; the end is cut off.
void mutate(std::string& stream, std::mt19937& random) {
  for (std::uint32_t i = 0; i <= random() % 4; ++i) {
    const std::size_t at = random() % stream.size();
    const std::size_t size = std::min<std::size_t>(random() % 80, stream.size() - at);
    switch (random() % 5) {
      case 0: stream[at] = static_cast<char>(random()); break;
      case 1: stream[at] = static_cast<char>(stream[at] ^ (1 << random() % 8)); break;
      case 2: stream.erase(at, std::min(size, stream.size() - 1)); break;
      case 3: stream.insert(random() % stream.size(), stream.substr(at, size)); break;
      default: stream.resize(at + 1); break;
    }
  }
}

// The sink of a pack, which gives no more memory than a pack's own limit would.
class Limited final : public message::FrameSink {
 public:
  explicit Limited(message::Layout layout) : layout_(std::move(layout)) {}
  Result<std::byte*> begin_frame(PackId from, const FrameHeader& header) override {
    if (header.message_bytes > 1 << 20) return fail(ErrorCode::kTooLarge, "no memory");
    EXPECT_LT(from.value(), layout_.packs());
    return reassembly_.begin(header);
  }
  Result<void> end_frame(PackId /*from*/, const FrameHeader& header) override { return reassembly_.end(header); }
  void peer_lost(PackId /*pack*/, const Error& /*cause*/) override {
    lost_ = true;
    lost_.notify_all();
  }
  void wait_for_loss() const { lost_.wait(false); }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

 private:
  const message::Layout layout_;
  std::atomic<std::uint64_t> delivered_ = 0;
  message::Reassembly reassembly_{[this](const FrameHeader& first, message::Buffer data) {
    EXPECT_EQ(first.message_bytes, data.size());
    ++delivered_;
  }};
  std::atomic<bool> lost_ = false;
};

// How packs of one host, and others, are connected.
enum class Path : std::uint8_t { kTcp, kUnix, kRing };

std::string path_name(const ::testing::TestParamInfo<Path>& info) {
  return info.param == Path::kTcp ? "tcp" : info.param == Path::kUnix ? "unix" : "ring";
}

TcpOptions options(Path path) {
  return {.flare_id = kFlare, .token = kToken, .local = path == Path::kTcp ? Local::kTcp : Local::kUnix};
}

class TcpFuzz : public ::testing::TestWithParam<Path> {};
INSTANTIATE_TEST_SUITE_P(All, TcpFuzz, ::testing::Values(Path::kTcp, Path::kUnix, Path::kRing), path_name);

// A pack of the same host is always given a ring.
class TcpHalfOpen : public ::testing::TestWithParam<Path> {};
INSTANTIATE_TEST_SUITE_P(All, TcpHalfOpen, ::testing::Values(Path::kTcp, Path::kRing), path_name);

// The whole life of a connection. It may be closed by the other end at any time.
void connect_and_send(const std::string& address, Path path, Hello hello, const std::string& stream) {
  const auto socket = connect_to(address, std::chrono::steady_clock::now() + 30s);
  ASSERT_TRUE(socket) << socket.error().message;
  if (path != Path::kRing) {
    const std::string all = std::string(reinterpret_cast<const char*>(&hello), sizeof hello) + stream;
    static_cast<void>(::send(socket->get(), all.data(), all.size(), MSG_NOSIGNAL));
    return;
  }
  auto ring = RingWriter::make(std::size_t{64} << 10);
  ASSERT_TRUE(ring) << ring.error().message;
  hello.ring_bytes = ring->capacity();
  ASSERT_TRUE(send_with_fd(socket->get(), std::as_bytes(std::span(&hello, 1)), ring->fd()));
  EXPECT_EQ(ring->write(std::as_bytes(std::span(stream))), stream.size());
  if (ring->publish()) static_cast<void>(::send(socket->get(), "!", 1, MSG_NOSIGNAL));
}

TEST_P(TcpFuzz, StreamsThatAreDamagedEndInALossAndNothingElse) {
  std::mt19937 random(20);
  std::uint64_t delivered = 0;
  const auto end = std::chrono::steady_clock::now() + 2s;
  for (int round = 0; round < 2000 && std::chrono::steady_clock::now() < end; ++round) {
    Limited sink(Layout(2, {0, 1}, PackId(0)));
    const auto transport = TcpTransport::listen(Layout(2, {0, 1}, PackId(0)), options(GetParam()), sink);
    ASSERT_TRUE(transport) << transport.error().message;
    Hello hello;
    hello.from_pack = 1;
    std::ranges::copy(kFlare, hello.flare_id.begin());
    std::ranges::copy(kToken, hello.token.begin());
    std::string stream = good_stream(random);
    if (round > 0) mutate(stream, random);  // the first one is whole
    ASSERT_NO_FATAL_FAILURE(connect_and_send((*transport)->address(), GetParam(), hello, stream));
    sink.wait_for_loss();
    EXPECT_TRUE(round > 0 || sink.delivered() == 4 + 8) << sink.delivered();
    delivered += sink.delivered();
  }
  EXPECT_GT(delivered, 12) << "some of what was whole arrives";
}

TEST_P(TcpHalfOpen, APeerThatDoesNotReadEndsASendAtItsDeadline) {
  auto listener = GetParam() == Path::kTcp ? listen_tcp("127.0.0.1") : listen_unix("gust-test-" + random_hex_id());
  ASSERT_TRUE(listener) << listener.error().message;
  Limited sink(Layout(2, {0, 1}, PackId(0)));
  const auto transport = TcpTransport::listen(Layout(2, {0, 1}, PackId(0)), options(GetParam()), sink);
  ASSERT_TRUE(transport) << transport.error().message;
  (*transport)->add_peer(PackId(1), listener->address);
  const message::Buffer data = message::Buffer::make(1 << 20);
  std::memset(data.writable(), 1, data.size());
  const message::Piece piece = data.bytes();
  FrameHeader header;
  header.kind = FrameKind::kDirect;
  header.to = 1;
  header.frame_bytes = 1 << 20;
  header.message_bytes = 1 << 20;
  Result<void> sent;
  for (int i = 0; i < 1000 && sent; ++i) {
    sent = (*transport)->send(PackId(1), header, {&piece, 1}, std::chrono::steady_clock::now() + 100ms);
  }
  ASSERT_FALSE(sent) << "1000 MiB went to somebody who does not read";
  EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
  EXPECT_NE(sent.error().message.find("pack 1 (worker 1): the other end does not read"), std::string::npos)
      << sent.error().message;
  // A part of a frame is under way, so nothing can follow it.
  sent = (*transport)->send(PackId(1), header, {&piece, 1}, std::chrono::steady_clock::now() + 100ms);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace gust::transport
