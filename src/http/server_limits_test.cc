// What the server does with too much, too slow, wrong and hostile input.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <random>
#include <sys/resource.h>

#include "base/json.h"
#include "http/server.h"
#include "http/test_util.h"

namespace gust::http {
namespace {

using namespace testing;  // NOLINT: the module's test helpers
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The server's own error: this status, JSON with both members, and the end of the connection.
void expect_refused(const std::string& answer, unsigned status) {
  EXPECT_THAT(answer, StartsWith(fmt::format("HTTP/1.1 {} ", status)));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  const std::size_t head = answer.find("\r\n\r\n");
  ASSERT_NE(head, std::string::npos);
  const auto body = parse_json(answer.substr(head + 4), "body");
  ASSERT_TRUE(body) << answer;
  EXPECT_TRUE(body->at("error").is_string());
  EXPECT_TRUE(body->at("code").is_string());
}

ServerOptions small() { return {.header_limit = Bytes(1024), .body_limit = Bytes(1000)}; }

TEST(ServerLimits, LongHeadersAre431) {
  TestServer server(echo, small());
  RawSocket target(server.port());
  target.send("GET /" + std::string(2000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n");
  expect_refused(target.read_all(), 431);
  RawSocket header(server.port());
  header.send("GET / HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n");
  expect_refused(header.read_all(), 431);
  RawSocket endless(server.port());
  for (int i = 0; i < 100'000 && endless.send("X: 1\r\n"); ++i) {
  }
  endless.end_sending();
  endless.read_all();  // ends
  RawSocket right(server.port());
  right.send("GET / HTTP/1.1\r\nX: " + std::string(900, 'x') + "\r\n\r\n");
  EXPECT_THAT(right.read_until("GET / "), HasSubstr("200 OK"));
}

TEST(ServerLimits, LargeBodiesAre413BeforeTheyAreRead) {
  TestServer server(echo, small());
  RawSocket told(server.port());
  told.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
  const std::string answer = told.read_all();
  expect_refused(answer, 413);
  EXPECT_THAT(answer, HasSubstr("1000 bytes"));
  RawSocket chunked(server.port());
  chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) chunked.send("190\r\n" + std::string(400, 'x') + "\r\n");
  expect_refused(chunked.read_all(), 413);
  RawSocket right(server.port());
  right.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  EXPECT_THAT(right.read_until("xxx"), HasSubstr("200 OK"));
}

TEST(ServerLimits, TheAnswerReachesClientsThatSendTheirWholeBodyFirst) {
  TestServer server(echo, small());
  for (const bool tls : {false, true}) {
    const auto response = server.client(tls)->send({.method = "POST", .body = std::string(8 << 20, 'x')});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 413U);
  }
}

TEST(ServerLimits, MalformedRequestsAre400) {
  TestServer server;
  for (const char* wrong : {
           "nonsense\r\n\r\n",
           "GET\r\n\r\n",
           "GET / HTTP/9.9\r\n\r\n",
           "GET / HTTP/1.1\r\nno colon\r\n\r\n",
           "GET / HTTP/1.1\r\n: empty\r\n\r\n",
           "GET x HTTP/1.1\r\nHost: h\r\n\r\n",
           "CONNECT host:443 HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET /?a=%zz HTTP/1.1\r\nHost: h\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
           "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
           "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
       }) {
    RawSocket socket(server.port());
    socket.send(wrong);
    socket.end_sending();
    SCOPED_TRACE(wrong);
    expect_refused(socket.read_all(), 400);
  }
  RawSocket coding(server.port());
  coding.send("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n");
  coding.end_sending();
  expect_refused(coding.read_all(), 501);
  RawSocket expectation(server.port());
  expectation.send("POST / HTTP/1.1\r\nExpect: magic\r\n\r\n");
  expectation.end_sending();
  expect_refused(expectation.read_all(), 417);
}

TEST(ServerLimits, SlowClientsAreSentAway) {
  ServerOptions options{.header_timeout = 100ms, .body_timeout = 100ms, .idle_timeout = 100ms};
  TestServer server(echo, options);
  RawSocket silent(server.port());
  EXPECT_EQ(silent.read_all(), "");
  RawSocket header(server.port());
  header.send("GET / HTT");
  expect_refused(header.read_all(), 408);
  RawSocket body(server.port());
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab");
  expect_refused(body.read_all(), 408);
  RawSocket handshake(server.port());
  handshake.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  EXPECT_EQ(handshake.read_all(), "");
  RawSocket kept(server.port());
  kept.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(kept.read_all(), HasSubstr("200 OK"));  // and then the end, as nothing follows
}

TEST(ServerLimits, AByteNowAndThenDoesNotExtendTheTime) {
  TestServer server(echo, {.header_timeout = 300ms});
  RawSocket socket(server.port());
  const auto start = std::chrono::steady_clock::now();
  std::jthread drip([&socket](const std::stop_token& stop) {
    std::string_view bytes = "GET / HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
    while (!stop.stop_requested() && !bytes.empty() && socket.send(bytes.substr(0, 1))) {
      bytes.remove_prefix(1);
      std::this_thread::sleep_for(20ms);  // the behaviour under test, not a wait for something
    }
  });
  expect_refused(socket.read_until("code\":\""), 408);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

TEST(ServerLimits, FurtherConnectionsWaitForRoom) {
  TestServer server(echo, {.max_connections = 2});
  auto first = std::make_unique<RawSocket>(server.port());
  RawSocket second(server.port());
  for (RawSocket* socket : {first.get(), &second}) {
    socket->send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(socket->read_until("/now"), HasSubstr("200 OK"));
  }
  RawSocket third(server.port());
  third.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  pollfd ready{.fd = third.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 50), 0);
  first.reset();
  EXPECT_THAT(third.read_until("/later"), HasSubstr("200 OK"));
}

TEST(ServerLimits, OutlivesAShortageOfDescriptors) {
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer needs descriptors of its own to look at an object's type";
#endif
#endif
  TestServer server;
  RawSocket first(server.port());  // when it is answered, the server has the descriptors that it opens for itself
  first.send("GET /early HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_THAT(first.read_until("/early"), HasSubstr("200 OK"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd probe(::dup(0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(probe.get()) + 16;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  std::vector<UniqueFd> all;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) all.emplace_back(fd);
  all.pop_back();
  RawSocket refused(server.port());  // takes the last descriptor: none is left to accept it with
  refused.send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
  pollfd ready{.fd = refused.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 120), 0);
  all.clear();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(refused.read_until("/late"), HasSubstr("200 OK"));
}

TEST(ServerLimits, SurvivesMutatedRequests) {
  TestServer server(echo, {.body_limit = Bytes(4096), .header_timeout = 2s, .body_timeout = 2s});
  const std::string seeds[] = {
      "POST https://h/api/v1/a?b=c%20d HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
      "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\nT: "
      "1\r\n\r\n",
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD / HTTP/1.1\r\n\r\n",
      std::string("\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x03", 11) + std::string(42, 'r'),
  };
  std::mt19937 random(11);
  const auto below = [&random](std::size_t n) { return static_cast<std::ptrdiff_t>(random() % n); };
  for (int i = 0; i < 1500; ++i) {
    std::string text = seeds[below(std::size(seeds))];
    for (auto edits = below(6); edits >= 0 && !text.empty(); --edits) {
      const auto at = text.begin() + below(text.size());
      switch (below(4)) {
        case 0: *at = static_cast<char>(random()); break;
        case 1: text.erase(at, at + std::min<std::ptrdiff_t>(below(8), text.end() - at)); break;
        case 2: text.insert(at, static_cast<std::size_t>(below(4)), "\r\n:%0 "[below(6)]); break;
        default: text += text.substr(static_cast<std::size_t>(at - text.begin())); break;
      }
    }
    RawSocket socket(server.port());
    socket.send(text);
    socket.end_sending();
    socket.read_all();  // ends, whatever was sent
  }
  const auto response = server.client(true)->send({});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200U);
}

}  // namespace
}  // namespace gust::http
