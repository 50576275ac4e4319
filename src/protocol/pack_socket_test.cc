#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <sys/socket.h>
#include <thread>

#include "base/fd.h"
#include "protocol/pack_frames.h"

namespace gust::protocol {
namespace {

class PackSocket : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  void send_raw(const void* bytes, std::size_t size) const {
    ASSERT_EQ(send(theirs.get(), bytes, size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
  }
  void send_packet(PacketHeader header, const std::string& payload) const {
    std::string packet(sizeof header, '\0');
    std::memcpy(packet.data(), &header, sizeof header);
    packet += payload;
    send_raw(packet.data(), packet.size());
  }
  static Result<void> send_one(const UniqueFd& socket, FrameType type, std::string payload, int timeout_ms) {
    return send_messages(socket.get(), std::array{Message{type, std::move(payload)}}, timeout_ms);
  }
  static PacketHeader header(FrameType type, std::size_t size, std::uint16_t flags = 0) {
    PacketHeader result;
    result.type = type;
    result.flags = flags;
    result.size = static_cast<std::uint32_t>(size);
    return result;
  }
  ErrorCode read_error() {
    const auto out = reader.read(ours.get());
    return out ? ErrorCode::kUnknown : out.error().code;
  }
  // The next whole message; the sender's thread may still be writing it.
  Message read_message() {
    while (true) {
      auto out = reader.read(ours.get());
      EXPECT_TRUE(out) << out.error().message;
      if (!out) return {};
      if (*out) return **std::move(out);
      if (reader.would_block()) std::this_thread::yield();
    }
  }

  UniqueFd ours;
  UniqueFd theirs;
  MessageReader reader{64 << 20};
};

TEST_F(PackSocket, NothingThereIsNotAnError) {
  const auto out = reader.read(ours.get());
  ASSERT_TRUE(out);
  EXPECT_FALSE(*out);
  EXPECT_TRUE(reader.would_block());
}

TEST_F(PackSocket, MessagesOfAllSizesArriveWhole) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kMaxPacketPayload - 1, kMaxPacketPayload,
                                 kMaxPacketPayload + 1, 5 * kMaxPacketPayload, std::size_t{10'000'001}}) {
    std::string payload(size, '\0');
    std::mt19937 random(static_cast<unsigned>(size));
    for (char& c : payload) c = static_cast<char>(random());
    std::jthread sender([&] { EXPECT_TRUE(send_one(theirs, FrameType::kFinished, payload, 10'000)); });
    const Message message = read_message();
    EXPECT_EQ(message.type, FrameType::kFinished);
    EXPECT_TRUE(message.payload == payload) << size;
  }
}

TEST_F(PackSocket, SeveralMessagesArriveInTheirOrder) {
  const std::string large(3 * kMaxPacketPayload, 'x');
  std::vector<Message> messages = {{FrameType::kLoaded, "a"}, {FrameType::kStarted, ""}};
  for (int i = 0; i < 40; ++i) messages.push_back({FrameType::kFinished, std::to_string(i) + large});
  std::jthread sender([&] { EXPECT_TRUE(send_messages(theirs.get(), messages, 10'000)); });
  for (const Message& sent : messages) {
    const Message message = read_message();
    EXPECT_EQ(message.type, sent.type);
    EXPECT_TRUE(message.payload == sent.payload);
  }
}

TEST_F(PackSocket, LastWordsComeBetweenThePacketsOfAnotherMessage) {
  const std::string crashed(sizeof(CrashedMessage), 'c');
  send_packet(header(FrameType::kFinished, 2, kMore), "ab");
  send_packet(header(FrameType::kCrashed, crashed.size()), crashed);
  send_packet(header(FrameType::kFinished, 1), "c");
  Message message = read_message();
  EXPECT_EQ(message.type, FrameType::kCrashed);
  EXPECT_EQ(message.payload, crashed);
  message = read_message();
  EXPECT_EQ(message.type, FrameType::kFinished);
  EXPECT_EQ(message.payload, "abc");
}

TEST_F(PackSocket, AFullSocketIsWaitedForAndThenGivenUp) {
  const std::string payload(4 << 20, 'x');
  const auto out = send_one(theirs, FrameType::kFinished, payload, 20);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::kTimedOut);
}

TEST_F(PackSocket, AClosedEndIsToldToBothSides) {
  send_packet(header(FrameType::kFinished, 2, kMore), "ab");
  theirs.reset();
  EXPECT_FALSE(*reader.read(ours.get()));
  EXPECT_EQ(read_error(), ErrorCode::kUnavailable);
  const auto out = send_one(ours, FrameType::kStart, "x", 1000);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::kUnavailable);
}

TEST_F(PackSocket, WordsWrittenBeforeDeathWithUnreadInputArrive) {
  ASSERT_TRUE(send_one(ours, FrameType::kStart, "unread", 1000));
  ASSERT_TRUE(send_one(theirs, FrameType::kLoadFailed, "why", 1000));
  theirs.reset();
  EXPECT_EQ(read_message().payload, "why");
  EXPECT_EQ(read_error(), ErrorCode::kUnavailable);
}

TEST_F(PackSocket, AMessageOverTheLimitIsRefused) {
  reader = MessageReader(3);
  send_packet(header(FrameType::kFinished, 2, kMore), "ab");
  send_packet(header(FrameType::kFinished, 2), "cd");
  EXPECT_FALSE(*reader.read(ours.get()));
  EXPECT_EQ(read_error(), ErrorCode::kTooLarge);
}

TEST_F(PackSocket, PacketsThatBreakTheFormatAreRefused) {
  const auto refuse = [&](PacketHeader bad, const std::string& payload, ErrorCode code = ErrorCode::kInvalid) {
    send_packet(bad, payload);
    EXPECT_EQ(read_error(), code);
  };
  PacketHeader bad = header(FrameType::kLoaded, 0);
  bad.magic = 1;
  refuse(bad, "");
  bad = header(FrameType::kLoaded, 0);
  bad.version = kPackProtocolVersion + 1;
  refuse(bad, "", ErrorCode::kVersionMismatch);
  bad = header(FrameType::kLoaded, 0);
  bad.reserved = 1;
  refuse(bad, "");
  refuse(header(static_cast<FrameType>(0), 0), "");
  refuse(header(static_cast<FrameType>(12), 0), "");
  refuse(header(FrameType::kLoaded, 0, 2), "");
  refuse(header(FrameType::kLoaded, 5), "four");
  refuse(header(FrameType::kLoaded, 3), "four");
  refuse(header(FrameType::kCrashed, 4, kMore), "four");
  refuse(header(FrameType::kLoaded, 0, kMore), "");
  refuse(header(FrameType::kLoaded, kMaxPacketPayload + 1), std::string(kMaxPacketPayload + 1, 'x'));
  send_raw("short", 5);
  EXPECT_EQ(read_error(), ErrorCode::kInvalid);
  send_packet(header(FrameType::kFinished, 2, kMore), "ab");
  EXPECT_FALSE(*reader.read(ours.get()));
  refuse(header(FrameType::kStarted, 1), "c");
}

TEST_F(PackSocket, RandomPacketsNeverCrash) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string packet(sizeof(PacketHeader) + random() % 40, '\0');
    PacketHeader start = header(static_cast<FrameType>(1 + random() % 7), packet.size() - sizeof start, random() % 2);
    std::memcpy(packet.data(), &start, sizeof start);
    if (random() % 2 == 0) packet[random() % packet.size()] = static_cast<char>(random());
    if (random() % 8 == 0) packet.resize(1 + random() % packet.size());
    send_raw(packet.data(), packet.size());
    if (!reader.read(ours.get())) reader = MessageReader(1000);
  }
}

}  // namespace
}  // namespace gust::protocol
