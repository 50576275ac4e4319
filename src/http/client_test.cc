#include "http/client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>

#include "base/encoding.h"
#include "base/mutex.h"
#include "http/test_util.h"

namespace gust::http {
namespace {

using namespace testing;  // NOLINT: the module's test helpers
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Request request_to(std::string path, std::string method = "GET", std::string body = {}) {
  return {.method = std::move(method), .path = std::move(path), .body = std::move(body)};
}

/// A server's side of one connection after the other, by hand.
class Scripted {
 public:
  Scripted() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  UniqueFd accept() { return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  static std::string read_request(const UniqueFd& fd) {
    std::string text;
    char byte = 0;
    while (!text.ends_with("\r\n\r\n") && ::recv(fd.get(), &byte, 1, 0) == 1) text.push_back(byte);
    return text;
  }
  static void write(const UniqueFd& fd, std::string_view text) {
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] std::unique_ptr<Client> client(ClientOptions options = {}) const {
    return Client::create({.tls = false, .host = "127.0.0.1", .port = port_}, std::move(options)).value();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
};

class ClientTest : public ::testing::TestWithParam<bool> {};  // with TLS or without
INSTANTIATE_TEST_SUITE_P(Plain, ClientTest, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Tls, ClientTest, ::testing::Values(true));

TEST_P(ClientTest, SendsAndReceives) {
  TestServer server([](Request request, Responder responder) {
    Response response{.status = 202, .body = std::string(request.header("authorization").value_or(""))};
    response.headers.emplace_back("X-Query", request.query.at("q u"));
    response.body += " " + request.path + " " + request.body;
    responder(std::move(response));
  });
  Endpoint endpoint = server.endpoint(GetParam());
  endpoint.base_path = "/base";
  ClientOptions options{.authorization = "user:key", .trusted_chain_pem = shared_certificate().chain};
  const auto client = Client::create(endpoint, options).value();
  Request request = request_to("/p%2Fq", "POST", "body");
  request.query["q u"] = "v&=+";
  const auto response = client->send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 202U);
  EXPECT_EQ(response->content_type, "application/json");
  EXPECT_EQ(response->header("x-query"), "v&=+");
  EXPECT_EQ(response->body, "Basic " + base64_encode("user:key") + " /base/p%2Fq body");
}

TEST_P(ClientTest, CarriesBodiesOfAllSizes) {
  TestServer server([](Request request, Responder responder) { responder({.body = std::move(request.body)}); });
  const auto client = server.client(GetParam());
  for (const std::size_t size : {0, 1, 4095, 12 << 10, (12 << 10) + 1, 65536, 1 << 20, 20 << 20}) {
    std::string body(size, 'b');
    for (std::size_t i = 0; i < size; i += 997) body[i] = static_cast<char>(i);
    const auto response = client->send(request_to("/", "POST", body));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body == body, true) << size;
  }
}

TEST_P(ClientTest, HeadHasNoBody) {
  TestServer server;
  const auto client = server.client(GetParam());
  for (const char* method : {"HEAD", "GET", "HEAD"}) {
    const auto response = client->send(request_to("/x", method));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, std::string_view(method) == "GET" ? "GET /x " : "");
  }
}

TEST_P(ClientTest, ReconnectsWhenTheServerClosedMeanwhile) {
  TestServer server(echo, {.idle_timeout = 50ms});
  const auto client = server.client(GetParam());
  for (int i = 0; i < 3; ++i) {
    const auto response = client->send(request_to("/again", "POST", "x"));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "POST /again x");
    std::this_thread::sleep_for(120ms);  // longer than idle_timeout: the behaviour under test
  }
}

TEST_P(ClientTest, ConcurrentKeptConnections) {
  TestServer server;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&server, tls = GetParam(), t] {
      const auto client = server.client(tls);
      for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(t * 1000 + i);
        const auto response = client->send(request_to("/", "POST", body));
        ASSERT_TRUE(response) << response.error().message;
        ASSERT_EQ(response->body, "POST / " + body);
      }
    });
  }
}

TEST_P(ClientTest, AThousandNewConnectionsAHundredAtOnce) {
  TestServer server;
  const auto client = server.client(GetParam());
  boost::asio::io_context io;
  std::atomic<int> next = 0;
  std::atomic<int> right = 0;
  const auto caller = [&]() -> boost::asio::awaitable<void> {
    for (int i = next++; i < 1000; i = next++) {
      Request request = request_to("/n", "POST", std::to_string(i));
      const auto response = co_await client->async_send(io, std::move(request), ConnectionUse::kNew);
      if (response && response->body == "POST /n " + std::to_string(i)) ++right;
      if (!response) ADD_FAILURE() << response.error().message;
    }
  };
  for (int i = 0; i < 100; ++i) boost::asio::co_spawn(io, caller(), boost::asio::detached);
  std::jthread second([&io] { io.run(); });
  io.run();
  second.join();
  EXPECT_EQ(right, 1000);
}

TEST_P(ClientTest, KeptConnectionsOfCoroutinesAreReused) {
  TestServer server;
  boost::asio::io_context io;  // outlives the client
  const auto client = server.client(GetParam());
  int done = 0;
  const auto caller = [&]() -> boost::asio::awaitable<void> {
    for (int i = 0; i < 20; ++i) {
      const auto response = co_await client->async_send(io, request_to("/k"), ConnectionUse::kKept);
      if (response && response->body == "GET /k ") ++done;
    }
  };
  for (int i = 0; i < 5; ++i) boost::asio::co_spawn(io, caller(), boost::asio::detached);
  io.run();
  EXPECT_EQ(done, 100);
}

TEST(Client, NobodyThereSaysHowToStartOne) {
  std::uint16_t port = 0;
  {
    TestServer gone;
    port = gone.port();
  }
  const auto client = Client::create({.tls = true, .host = "127.0.0.1", .port = port}, {}).value();
  const auto response = client->send({});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(response.error().message,
            "cannot reach https://127.0.0.1:" + std::to_string(port) +
                ": connection refused; is a controller running there? start one with: gust up");
}

TEST(Client, UnknownNamesAreTold) {
  const auto client = Client::create({.tls = false, .host = "no-such-host.invalid", .port = 1}, {}).value();
  const auto response = client->send({});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().message, HasSubstr("no-such-host.invalid"));
}

TEST(Client, CertificatesAreChecked) {
  TestServer server;
  ClientOptions other{.trusted_chain_pem = make_certificate({}).value().chain};
  const auto refused = server.client(true, other)->send({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("not trusted"));
  EXPECT_THAT(refused.error().message, HasSubstr("give the certificate to trust"));

  const auto system = Client::create(server.endpoint(true), {}).value()->send({});
  ASSERT_FALSE(system);
  EXPECT_EQ(system.error().code, ErrorCode::kDenied);
  other.verify_certificate = false;
  EXPECT_TRUE(server.client(true, other)->send({}));

  Endpoint by_name = server.endpoint(true);
  by_name.host = "localhost";
  EXPECT_TRUE(Client::create(by_name, {.trusted_chain_pem = shared_certificate().chain}).value()->send({}));
  Endpoint wrong_name = server.endpoint(true);
  wrong_name.host = "127.0.0.2";
  boost::asio::io_context io;
  const auto everywhere = Server::start(io, {.address = "0.0.0.0"}, shared_certificate(), echo).value();
  std::jthread thread([&io] { io.run(); });
  wrong_name.port = everywhere->port();
  const auto mismatch = Client::create(wrong_name, {.trusted_chain_pem = shared_certificate().chain}).value()->send({});
  ASSERT_FALSE(mismatch);
  EXPECT_EQ(mismatch.error().code, ErrorCode::kDenied);
  EXPECT_THAT(mismatch.error().message, HasSubstr("mismatch"));
  everywhere->stop();

  EXPECT_EQ(Client::create({}, {.trusted_chain_pem = "nothing"}).error().code, ErrorCode::kInvalid);
}

TEST(Client, WrongSchemesAreTold) {
  TestServer plain(echo, {.transport = Transport::kPlainOnly});
  const auto tls_to_plain = plain.client(true)->send({});
  ASSERT_FALSE(tls_to_plain);
  EXPECT_THAT(tls_to_plain.error().message, HasSubstr("http://"));
  TestServer tls(echo, {.transport = Transport::kTlsOnly});
  const auto plain_to_tls = tls.client(false)->send({});
  ASSERT_TRUE(plain_to_tls) << plain_to_tls.error().message;
  EXPECT_EQ(plain_to_tls->status, 400U);
  EXPECT_THAT(plain_to_tls->body, HasSubstr("https://"));
  EXPECT_TRUE(tls.client(true)->send({}));
}

TEST(Client, TimesOut) {
  Mutex mutex;
  std::vector<Responder> never;
  TestServer server([&](const Request&, Responder responder) {
    const MutexLock lock(mutex);
    never.push_back(std::move(responder));
  });
  const auto response = server.client(false, {.timeout = 100ms})->send({});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kTimedOut);
  EXPECT_THAT(response.error().message, HasSubstr("within 0.1 s"));
  Scripted silent;  // accepts into its queue and says nothing: no handshake
  ClientOptions options{.verify_certificate = false, .timeout = 100ms};
  const Endpoint endpoint{.tls = true, .host = "127.0.0.1", .port = silent.port()};
  EXPECT_EQ(Client::create(endpoint, options).value()->send({}).error().code, ErrorCode::kTimedOut);
  const MutexLock lock(mutex);
  never.clear();
}

TEST(Client, RepeatsOnlyWhatTheServerCannotHaveBegunToAnswer) {
  Scripted server;
  const auto client = server.client();
  std::jthread script([&server] {
    UniqueFd first = server.accept();
    Scripted::read_request(first);
    Scripted::write(first, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    Scripted::read_request(first);
    first.reset();  // without a byte of an answer
    UniqueFd second = server.accept();
    Scripted::read_request(second);
    Scripted::write(second, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    Scripted::read_request(second);
    Scripted::write(second, "HTTP/1.1 2");
    second.reset();  // in the middle of one
    const UniqueFd third = server.accept();
    Scripted::read_request(third);
    Scripted::write(third, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  EXPECT_EQ(client->send({}).value().body, "1");
  EXPECT_EQ(client->send({}).value().body, "2");
  const auto broken = client->send({});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(broken.error().message, HasSubstr("before its answer was complete"));
  EXPECT_EQ(client->send({}).value().body, "until the end");
}

TEST(Client, NewConnectionsAreNotRepeated) {
  Scripted server;
  const auto client = server.client();
  std::jthread script([&server] {
    const UniqueFd first = server.accept();
    Scripted::read_request(first);
  });
  EXPECT_EQ(client->send({}).error().code, ErrorCode::kUnavailable);
}

TEST(Client, RefusesWhatIsNoHttp) {
  Scripted server;
  const auto client = server.client();
  std::jthread script([&server] {
    for (const char* answer : {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n"}) {
      const UniqueFd fd = server.accept();
      Scripted::read_request(fd);
      Scripted::write(fd, answer);
    }
  });
  const auto foreign = client->send({});
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, HasSubstr("sent no valid answer"));
  const auto large = client->send({});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
}

TEST(Client, RefusesRequestsThatWouldBreakApart) {
  const auto client = Client::create({}, {}).value();
  EXPECT_EQ(client->send(request_to("/a b")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client->send(request_to("/a\r\nX: 1")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client->send(request_to("a")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(client->send(request_to("/", "GE T")).error().code, ErrorCode::kInvalid);
  Request header = request_to("/");
  header.headers.emplace_back("X", "1\r\nY: 2");
  EXPECT_EQ(client->send(header).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace gust::http
