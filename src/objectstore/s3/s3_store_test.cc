// What only S3 has: credentials, TLS, and a server that fails. Faults that no server shows when asked are played.
#include "objectstore/s3/s3_store.h"

#include <poll.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>

#include "base/fd.h"
#include "base/write_all.h"
#include "objectstore/testing/s3_server.h"

namespace gust::objectstore {
namespace {

using namespace std::chrono_literals;
using testing::S3Server;
using testing::Tls;
using Clock = std::chrono::steady_clock;

Context within(std::chrono::milliseconds time) { return {Clock::now() + time}; }

Result<void> put(ObjectStore& store, const std::string& key, std::string_view content, const Context& context) {
  const Piece piece = std::as_bytes(std::span(content));
  return store.put(key, {&piece, 1}, context);
}

bool says(const Error& error, const std::string& text) { return error.message.find(text) != std::string::npos; }

class S3StoreTest : public ::testing::Test {
 protected:
  void start(Tls tls = Tls::kNo) {
    auto server = S3Server::start(tls);
    if (!server && server.error().code == ErrorCode::kNotFound) GTEST_SKIP() << server.error().message;
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  std::unique_ptr<S3Server> server_;
};

TEST_F(S3StoreTest, ErrorsNameBucketKeyAndS3sCode) {
  start();
  if (!server_) return;
  S3Options options = server_->options();
  options.secret_key = "wrong";
  S3Store wrong(options);
  const auto denied = put(wrong, "some/key", "x", within(60s));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
  EXPECT_TRUE(says(denied.error(), "put s3://gust-test/some/key at 127.0.0.1:")) << denied.error().message;
  EXPECT_TRUE(says(denied.error(), "SignatureDoesNotMatch (403)")) << denied.error().message;
  EXPECT_FALSE(says(denied.error(), "wrong")) << denied.error().message;

  options = server_->options();
  options.bucket = "elsewhere";
  S3Store elsewhere(options);
  const auto missing = elsewhere.list("", "", 1, within(60s));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(says(missing.error(), "NoSuchBucket (404)")) << missing.error().message;
  EXPECT_TRUE(says(missing.error(), "create the bucket")) << missing.error().message;
}

TEST_F(S3StoreTest, CertificatesAreVerified) {
  start(Tls::kYes);
  if (!server_) return;
  S3Store trusting(server_->options());
  const auto done = put(trusting, "over TLS", std::string(3'000'000, 'x'), within(60s));
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(get_whole(trusting, "over TLS", {}, within(60s)).value_or("").size(), 3'000'000);

  S3Options options = server_->options();
  options.ca_file.clear();
  S3Store distrusting(options);
  const auto begin = Clock::now();
  const auto refused = put(distrusting, "over TLS", "x", within(60s));
  ASSERT_FALSE(refused);
  EXPECT_LT(Clock::now() - begin, 30s) << "another try changes nothing";
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(says(refused.error(), "ca_file")) << refused.error().message;

  options.verify_tls = false;
  S3Store careless(options);
  EXPECT_TRUE(put(careless, "over TLS", "x", within(60s)));
}

TEST_F(S3StoreTest, AServerThatComesBackIsFound) {
  start();
  if (!server_) return;
  S3Store store(server_->options());
  ASSERT_TRUE(put(store, "before", "x", within(60s)));
  server_->process().kill();
  const auto lost = put(store, "while gone", "x", within(300ms));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(says(lost.error(), "; tried ")) << lost.error().message;

  std::jthread putting([&] {
    const auto done = put(store, "again", "y", within(60s));
    EXPECT_TRUE(done) << done.error().message;
  });
  ASSERT_TRUE(server_->process().restart());
  putting.join();
  EXPECT_EQ(get_whole(store, "before", {}, within(60s)).value_or(""), "x");
  EXPECT_EQ(get_whole(store, "again", {}, within(60s)).value_or(""), "y");
}

TEST_F(S3StoreTest, ACallOnAServerThatDoesNotAnswerEndsInTime) {
  start();
  if (!server_) return;
  S3Store store(server_->options());
  server_->process().freeze();
  const auto late = get_whole(store, "x", {}, within(100ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimedOut);
  EXPECT_TRUE(says(late.error(), "get s3://gust-test/x at ")) << late.error().message;

  std::stop_source stop;
  Result<std::string> stopped;
  std::jthread waiting([&] { stopped = get_whole(store, "x", {}, {Clock::now() + 60s, stop.get_token()}); });
  stop.request_stop();
  waiting.join();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  server_->process().thaw();
}

// Gives each request the next of its answers, on a connection of its own each; the last one again and again.
class Script {
 public:
  explicit Script(std::vector<std::string> answers) : answers_(std::move(answers)) {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_.get(), 16), 0);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }

  [[nodiscard]] S3Options options() const {
    S3Options options;
    options.endpoint = "http://127.0.0.1:" + std::to_string(port_);
    options.bucket = "played";
    options.access_key = "key";
    options.secret_key = "secret";
    options.first_backoff = 2ms;
    return options;
  }
  /// Of all requests; when the store is done.
  std::vector<std::string> requests() {
    thread_.request_stop();
    thread_.join();
    return requests_;
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&entry, 1, 5) != 1) continue;
      const UniqueFd connection(::accept(socket_.get(), nullptr, nullptr));
      std::string request;
      char bytes[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(connection.get(), bytes, sizeof bytes, 0);
        if (got <= 0) break;
        request.append(bytes, static_cast<std::size_t>(got));
      }
      const std::string& answer = answers_[std::min(requests_.size(), answers_.size() - 1)];
      requests_.push_back(std::move(request));
      EXPECT_TRUE(write_all(connection.get(), answer));
    }
  }

  const std::vector<std::string> answers_;
  UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

std::string answer(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers + "\r\n" + body;
}
std::string error_answer(const std::string& status, const std::string& code, const std::string& headers = "") {
  const std::string body = "<Error><Code>" + code + "</Code><Message>played</Message></Error>";
  return answer(status, headers + "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

TEST(S3StoreFaults, ASessionTokenIsSentAndSignedOver) {
  Script server({answer("200 OK", "Content-Length: 0\r\n", "")});
  S3Options options = server.options();
  options.session_token = "a/token+with=signs" + std::string(1000, 't');
  S3Store store(options);
  EXPECT_TRUE(put(store, "key", "", within(60s)));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1);
  EXPECT_NE(requests[0].find("x-amz-security-token: " + options.session_token + "\r\n"), std::string::npos);
  EXPECT_NE(requests[0].find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
            std::string::npos)
      << requests[0];
}

TEST(S3StoreFaults, ThrottlingIsWaitedFor) {
  Script server({error_answer("503 Slow Down", "SlowDown"), error_answer("429 Too Many Requests", ""),
                 error_answer("500 Internal Server Error", "InternalError"),
                 error_answer("409 Conflict", "OperationAborted"),
                 error_answer("503 Service Unavailable", "SlowDown", "Retry-After: 1\r\n"),
                 answer("200 OK", "Content-Length: 2\r\n", "ok")});
  S3Store store(server.options());
  const auto begin = Clock::now();
  EXPECT_EQ(get_whole(store, "key", {}, within(60s)).value_or(""), "ok");
  EXPECT_GE(Clock::now() - begin, 1s) << "the server asked for it";
  EXPECT_EQ(server.requests().size(), 6);
}

TEST(S3StoreFaults, ThrottlingWithoutEndIsBusy) {
  Script server({error_answer("503 Slow Down", "SlowDown")});
  S3Store store(server.options());
  const auto refused = get_whole(store, "key", {}, within(200ms));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kBusy);
  EXPECT_TRUE(says(refused.error(), "SlowDown (503): played")) << refused.error().message;
  EXPECT_GE(server.requests().size(), 2);
}

TEST(S3StoreFaults, WhatWillNotPassIsNotTriedAgain) {
  Script server({error_answer("400 Bad Request", "InvalidRequest")});
  S3Store store(server.options());
  const auto refused = get_whole(store, "key", {}, within(60s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(server.requests().size(), 1);
}

TEST(S3StoreFaults, ABrokenReadGoesOnWhereItBroke) {
  Script server({answer("200 OK", "Content-Length: 10\r\nETag: \"one\"\r\n", "0123"),
                 answer("206 Partial Content", "Content-Length: 6\r\nETag: \"one\"\r\n", "456"),
                 answer("206 Partial Content", "Content-Length: 3\r\nETag: \"one\"\r\n", "789")});
  S3Store store(server.options());
  EXPECT_EQ(get_whole(store, "key", {}, within(60s)).value_or(""), "0123456789");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3);
  EXPECT_NE(requests[1].find("Range: bytes=4-\r\n"), std::string::npos) << requests[1];
  EXPECT_NE(requests[1].find("If-Match: \"one\"\r\n"), std::string::npos) << requests[1];
  EXPECT_NE(requests[2].find("Range: bytes=7-\r\n"), std::string::npos) << requests[2];
}

TEST(S3StoreFaults, AnObjectThatIsReplacedWhileItIsReadIsAnError) {
  Script server({answer("200 OK", "Content-Length: 10\r\nETag: \"one\"\r\n", "0123"),
                 error_answer("412 Precondition Failed", "PreconditionFailed")});
  S3Store store(server.options());
  const auto content = get_whole(store, "key", {}, within(60s));
  ASSERT_FALSE(content);
  EXPECT_TRUE(says(content.error(), "replaced while it was read")) << content.error().message;
}

TEST(S3StoreFaults, AServerWithoutRangesIsAnError) {
  Script server({answer("200 OK", "Content-Length: 10\r\n", "0123456789")});
  S3Store store(server.options());
  const auto content = get_whole(store, "key", {3, 2}, within(60s));
  ASSERT_FALSE(content);
  EXPECT_TRUE(says(content.error(), "does not know ranges")) << content.error().message;
}

TEST(S3StoreFaults, AnErrorAfterTheStatusOfSuccessCounts) {
  const std::string begun = "<R><UploadId>7</UploadId></R>";
  const std::string failed = "<Error><Code>InternalError</Code></Error>";
  Script server({answer("200 OK", "Content-Length: " + std::to_string(begun.size()) + "\r\n", begun),
                 answer("200 OK", "Content-Length: 0\r\nETag: \"p\"\r\n", ""),
                 answer("200 OK", "Content-Length: " + std::to_string(failed.size()) + "\r\n", failed),
                 error_answer("404 Not Found", "NoSuchUpload")});
  S3Store store(server.options());
  auto upload = store.start_upload("key", within(60s));
  ASSERT_TRUE(upload) << upload.error().message;
  ASSERT_TRUE((*upload)->add({}, within(60s)));
  // The second try finds that the first one did it after all.
  const auto completed = (*upload)->complete(within(60s));
  EXPECT_TRUE(completed) << completed.error().message;
}

TEST(S3StoreFaults, AnswersThatAreNotS3s) {
  for (const std::string body : {"", "<html><p>hello</html>", "<a><b></b></a>", "\xff\xfe<<<>>>", "{}"}) {
    Script server({answer("200 OK", "Content-Length: " + std::to_string(body.size()) + "\r\n", body)});
    S3Store store(server.options());
    const auto page = store.list("", "", 1, within(60s));
    ASSERT_FALSE(page) << body;
    EXPECT_TRUE(says(page.error(), "not S3's")) << page.error().message;
  }
}

TEST(S3Uri, IsRead) {
  const auto full = parse_s3_uri(
      "s3://AKIA:se%2Fc%40r%3Aet@[::1]:9000/bucket/pre%20fix/more?region=eu-west-3&tls=false&session_token=a%2Bb%3D");
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->endpoint, "http://[::1]:9000");
  EXPECT_EQ(full->access_key, "AKIA");
  EXPECT_EQ(full->secret_key, "se/c@r:et");
  EXPECT_EQ(full->bucket, "bucket");
  EXPECT_EQ(full->prefix, "pre fix/more/");
  EXPECT_EQ(full->region, "eu-west-3");
  EXPECT_EQ(full->session_token, "a+b=");

  const auto plain = parse_s3_uri("s3://k:s@s3.example.org/bucket");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->endpoint, "https://s3.example.org");
  EXPECT_EQ(plain->region, "us-east-1");
  EXPECT_EQ(plain->prefix, "");
  EXPECT_TRUE(plain->verify_tls);
}

TEST(S3Uri, WhatIsWrongIsSaidWithoutTheSecret) {
  for (const char* uri :
       {"", "s3:", "http://k:hush@host/bucket", "s3://k:hush@host", "s3://k:hush@host/",
        "s3://k:hush@host/bucket?tls=maybe", "s3://k:hush@host/bucket?color=red", "s3://k:hush@host/bucket?region=a:b",
        "s3://hush@host/bucket", "s3://k:hush@ho st/bucket", "s3://k:hu%0Ash@host/bucket"}) {
    const auto options = parse_s3_uri(uri);
    ASSERT_FALSE(options) << uri;
    EXPECT_EQ(options.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(says(options.error(), "hush")) << options.error().message;
  }
}

}  // namespace
}  // namespace gust::objectstore
