// Well-behaved requests, by raw sockets: what is asserted are the bytes that a client sees.
#include "http/server.h"

#include <condition_variable>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <mutex>

#include "base/json.h"
#include "http/status.h"
#include "http/test_util.h"

namespace gust::http {
namespace {

using namespace testing;  // NOLINT: the module's test helpers
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Server, AnswersAndKeepsTheConnection) {
  TestServer server;
  RawSocket socket(server.port());
  for (int i = 0; i < 3; ++i) {
    socket.send(fmt::format("POST /x{}?a=1+2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", i));
    const std::string answer = socket.read_until("a=1 2");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nDate: "));
    EXPECT_THAT(answer, EndsWith(fmt::format("\r\n\r\nPOST /x{} abc a=1 2", i)));
  }
}

TEST(Server, ClosesWhenAsked) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(socket.read_all(), HasSubstr("Connection: close\r\n"));
}

TEST(Server, SpeaksHttp10) {
  TestServer server;
  RawSocket once(server.port());
  once.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_THAT(once.read_all(), StartsWith("HTTP/1.0 200 OK\r\n"));

  RawSocket kept(server.port());
  for (int i = 0; i < 2; ++i) {
    kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(kept.read_until("GET /a"), HasSubstr("Connection: keep-alive\r\n"));
  }
}

TEST(Server, TakesAbsoluteTargets) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send(
      "POST https://127.0.0.1/api/v1/x?blocking=false HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(socket.read_until("false"), EndsWith("POST /api/v1/x  blocking=false"));
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  std::mutex mutex;
  std::vector<Responder> waiting;
  TestServer server([&](Request request, Responder responder) {
    if (request.path == "/late") {
      const std::lock_guard lock(mutex);
      waiting.push_back(std::move(responder));
    } else {
      echo(std::move(request), std::move(responder));
    }
  });
  RawSocket socket(server.port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += fmt::format("PUT /{} HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", i);
  socket.send(all + "GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answers = socket.read_until("/last");
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find(fmt::format("PUT /{} x", i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(Server, ReadsChunkedBodies) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char* part : {"3;ext=1\r\nab", "c\r\n", "a\r", "\n0123456789\r\n0\r\n", "\r\n"}) socket.send(part);
  EXPECT_THAT(socket.read_until("789"), EndsWith("POST / abc0123456789"));
  socket.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.read_until("/next"), HasSubstr("200 OK"));
}

TEST(Server, TellsClientsThatExpectItToContinue) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("ok");
  EXPECT_THAT(socket.read_until("POST / ok"), StartsWith("HTTP/1.1 200"));
}

TEST(Server, AnswersHeadWithoutABody) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answers = socket.read_all();
  EXPECT_THAT(answers, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answers, Not(HasSubstr("HEAD /x")));
  EXPECT_THAT(answers, EndsWith("GET /y "));
}

TEST(Server, NoContentHasNoBodyAndHeadersCannotBeSplit) {
  TestServer server([](const Request&, Responder responder) {
    responder({.status = 204, .headers = {{"X-A", "1\r\nX-Evil: 2"}, {"bad name", "3"}}, .body = "ignored"});
  });
  RawSocket socket(server.port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answer = socket.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-A: 1  X-Evil: 2\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer, Not(HasSubstr("bad name")));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(Server, RespondersMayBeCalledFromAnyThreadOrNever) {
  std::vector<std::jthread> threads;
  TestServer server([&threads](Request request, Responder responder) {
    if (request.path == "/dropped") return;
    if (request.path == "/thrown") throw std::runtime_error("a handler's fault");
    if (request.path == "/wrong") return responder({.status = 7, .body = ""});
    threads.emplace_back([request = std::move(request), responder = std::move(responder)]() mutable {
      responder({.body = request.path});
      responder({.body = "only the first counts"});
    });
  });
  RawSocket socket(server.port());
  for (const char* path : {"/dropped", "/thrown", "/wrong"}) {
    socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path));
    const std::string answer = socket.read_until("\"}");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 ")) << path;
    const auto body = parse_json(answer.substr(answer.find("\r\n\r\n") + 4), "body");
    ASSERT_TRUE(body);
    EXPECT_TRUE(body->at("error").is_string());
    EXPECT_TRUE(body->at("code").is_string());
  }
  for (int i = 0; i < 20; ++i) {
    socket.send("GET /thread HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(socket.read_until("/thread"), StartsWith("HTTP/1.1 200 "));
  }
}

TEST(Server, StopLetsAnswersOutAndEndsTheRest) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Responder> waiting;
  TestServer server([&](const Request&, Responder responder) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(responder));
    changed.notify_all();
  });
  RawSocket idle(server.port());
  RawSocket pending(server.port());
  const auto kept = server.client(true);
  pending.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  std::jthread client([&kept] {
    const auto response = kept->send({.path = "/b"});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "done");
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return waiting.size() == 2; });
  }
  (*server).stop();
  EXPECT_EQ(idle.read_all(), "");
  for (Responder& responder : waiting) responder({.body = "done"});
  const std::string answer = pending.read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("done"));
  client.join();
  server.wait();  // returns: no connection is left
  const auto refused = server.client(false)->send({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST(Server, TellsWhyItCannotListen) {
  TestServer first;
  boost::asio::io_context io;
  ServerOptions options{.port = first.port()};
  const auto second = Server::start(io, options, shared_certificate(), echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(first.port())));
  EXPECT_THAT(second.error().message, HasSubstr("choose another port"));

  const auto foreign = Server::start(io, {.address = "192.0.2.1"}, shared_certificate(), echo);
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, HasSubstr("address of this machine"));
  EXPECT_EQ(Server::start(io, {.address = "nonsense"}, shared_certificate(), echo).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Server::start(io, {}, std::nullopt, echo).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace gust::http
