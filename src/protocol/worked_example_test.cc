// The bytes in docs/protocol.md are those that are sent.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sys/socket.h>

#include "base/fd.h"
#include "protocol/pack_frames.h"

namespace gust::protocol {
namespace {

constexpr std::size_t kBytesAt = 6;  // of a line, behind its offset
constexpr std::size_t kBytesALine = 16;
constexpr std::size_t kTextAt = kBytesAt + 3 * kBytesALine + 1;

// What the page's example is about: worker 2 and 3 of 4, in pack 1 of 2.
std::map<FrameType, std::string> example() {
  StartMessage start;
  start.flare_id = std::string(32, 'a');
  start.activation_id = std::string(32, 'b');
  start.namespace_name = "guest";
  start.action_name = "/guest/hello";
  start.kind = "cpp:1";
  start.code_path = "/run/gust/code/5f3c.so";
  start.invoker_id = 1;
  start.pack_id = 1;
  start.burst_size = 4;
  start.pack_first_worker = {0, 2};
  start.workers = {WorkerId(2), 2};
  start.params = R"({"n":2}{"n":3})";
  start.params_end = {7, 14};
  start.peer_host = "10.0.0.7";
  start.peer_token = std::string(32, '3');
  const StartedMessage started{{2, 1700000000100000}, {3, 1700000000100250}};
  const CrashedMessage crashed{.worker_id = 3, .signal = 11, .address = 0, .at_us = 1700000000150000};
  return {{FrameType::kStart, encode(start)},
          {FrameType::kStarted, encode(started)},
          {FrameType::kCrashed, encode(crashed)}};
}

std::string packet(FrameType type, const std::string& payload) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  const UniqueFd from(ends[0]);
  const UniqueFd to(ends[1]);
  const auto sent = send_messages(from.get(), std::array{Message{type, payload}}, 1000);
  EXPECT_TRUE(sent) << sent.error().message;
  std::string bytes(kMaxPacketPayload, '\0');
  const ssize_t got = ::recv(to.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  EXPECT_GT(got, 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return bytes;
}

// "0010  20 00 00 00 61 61 61 61 61 61 61 61 61 61 61 61   ...aaaaaaaaaaaa"
std::string line_of(const std::string& bytes, std::size_t at) {
  std::array<char, 8> word{};
  std::snprintf(word.data(), word.size(), "%04zx", at);
  std::string line = word.data();
  line.resize(kBytesAt, ' ');
  const std::string part = bytes.substr(at, kBytesALine);
  for (const unsigned char byte : part) {
    std::snprintf(word.data(), word.size(), "%02x ", byte);
    line += word.data();
  }
  line.resize(kTextAt, ' ');
  for (const unsigned char byte : part) line += std::isprint(byte) != 0 ? static_cast<char>(byte) : '.';
  return line;
}

bool is_dump(const std::string& line) {
  return line.size() > kTextAt && line.substr(4, 2) == "  " && line.find_first_not_of("0123456789abcdef") == 4;
}

TEST(WorkedExample, TheBytesInTheDocumentationAreThoseThatAreSent) {
  std::ifstream page(GUST_PROTOCOL_PAGE);
  ASSERT_TRUE(page) << GUST_PROTOCOL_PAGE;
  const auto payloads = example();
  std::set<FrameType> seen;
  std::string bytes;
  std::string line;
  while (std::getline(page, line)) {
    if (!is_dump(line)) continue;
    const std::size_t at = std::stoul(line.substr(0, 4), nullptr, 16);
    if (at == 0) {
      const auto type = static_cast<FrameType>(std::stoul(line.substr(kBytesAt + 3 * 6, 2), nullptr, 16));
      ASSERT_TRUE(payloads.contains(type)) << line;
      seen.insert(type);
      bytes = packet(type, payloads.at(type));
    }
    ASSERT_LT(at, bytes.size()) << line;
    const std::string expected = line_of(bytes, at);
    EXPECT_EQ(line.substr(0, expected.size()), expected);
  }
  EXPECT_EQ(seen.size(), payloads.size());
}

}  // namespace
}  // namespace gust::protocol
