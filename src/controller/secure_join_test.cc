// Invokers that join a controller over TLS: both real, over loopback, with a container driver that does nothing.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

#include "base/testing/test_folder.h"
#include "controller/controller.h"
#include "controller/registrar.h"
#include "invoker/identity.h"
#include "invoker/invoker.h"
#include "invoker/testing/fake_driver.h"
#include "invoker/testing/inbox.h"
#include "protocol/control/listener.h"
#include "protocol/control/refusal.h"
#include "protocol/control/testing/blocking_client.h"
#include "protocol/join_token.h"
#include "protocol/version.h"
#include "store/memory/stores.h"

namespace gust::controller {
namespace {

using namespace std::chrono_literals;
using invoker::testing::Inbox;

/// A controller that can be started again at its address.
class TestController {
 public:
  explicit TestController(std::string token, std::chrono::seconds life = 1h) : token_(std::move(token)), life_(life) {
    start();
  }

  /// Without TLS where there is no token.
  void start() {
    ControllerOptions options;
    options.invoker_listen = address_;
    if (!token_.empty()) {
      registrar_ = *Registrar::create({.authority = authority_, .join_token = token_, .certificate_life = life_},
                                      stores_.tokens);
      options.registrar = registrar_;
    }
    controller_.start(std::move(options), stores_.all());
    address_ = controller_->invoker_address();
  }
  void stop() { controller_.kill(); }

  /// Takes effect with the next start.
  void lose_authority() { authority_ = make_authority("another", 10h).value(); }

  std::string add_token(std::chrono::seconds life) {
    const protocol::JoinToken made = protocol::make_join_token();
    store::Token token;
    token.name = made.id;
    token.digest = protocol::join_token_digest(made.text);
    token.expires = wall_now() + life;
    EXPECT_TRUE(stores_.tokens.put(std::move(token), store::Overwrite::kNo));
    return made.text;
  }
  void revoke(const std::string& token) { EXPECT_TRUE(stores_.tokens.remove({}, protocol::join_token_id(token))); }

  Status status() {
    std::promise<Status> promise;
    controller_->status([&promise](Result<Status> status) { promise.set_value(*status); });
    return promise.get_future().get();
  }

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] const Certificate& authority() const { return authority_; }

 private:
  std::string token_;
  std::chrono::seconds life_;
  Certificate authority_ = make_authority("us", 10h).value();
  std::string address_ = "127.0.0.1:0";
  store::MemoryStores stores_;
  std::shared_ptr<const Registrar> registrar_;
  RunningController controller_;
};

void expect_error(const Result<void>& result, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
}

class SecureJoinTest : public testing::Test {
 public:
  ~SecureJoinTest() override { stop(); }

 protected:
  SecureJoinTest() {
    config_.name = "node-1";
    config_.slots = 4;
    config_.memory = Bytes::mb(1024);
    config_.state_dir = folder_.path() / "state";
    config_.identity_file = folder_.path() / "identity.pem";
    config_.controller_grace = 20s;
    config_.say = [this](std::string_view line) { said_.put(std::string(line)); };
  }
  /// What a controller with this token and a moment's patience makes of the invoker.
  Result<void> run_to_the_end(const TestController& controller, const std::string& token) {
    start(controller, token);
    return outcome();
  }

  void start(const TestController& controller, const std::string& token) {
    config_.controller = controller.address();
    config_.join_token = token;
    auto created = invoker::Invoker::create(
        config_, std::make_unique<invoker::testing::FakeDriver>(std::make_shared<invoker::testing::FakeContainers>()));
    ASSERT_TRUE(created) << created.error().message;
    invoker_ = std::move(*created);
    outcome_ = std::async(std::launch::async, [this] { return invoker_->run(invoker::Signals::kIgnore); });
  }

  /// Waits until the invoker says so; what it says before is passed over.
  bool says(const std::string& part) {
    while (const auto line = said_.take(20s)) {
      if (line->find(part) != std::string::npos) return true;
    }
    return false;
  }

  void join(const TestController& controller, const std::string& token) {
    start(controller, token);
    ASSERT_TRUE(says("joined the controller"));
  }

  Result<void> outcome() {
    if (outcome_.wait_for(40s) != std::future_status::ready) return fail(ErrorCode::kUnknown, "still running");
    Result<void> result = outcome_.get();
    invoker_.reset();
    return result;
  }

  void stop() {
    if (!invoker_) return;
    invoker_->stop();
    if (outcome_.valid()) outcome_.wait();
    invoker_.reset();
  }

  TestFolder folder_;
  invoker::InvokerConfig config_;
  Inbox<std::string> said_;
  std::unique_ptr<invoker::Invoker> invoker_;
  std::future<Result<void>> outcome_;
};

const std::string kToken = "a token of the configuration";

TEST_F(SecureJoinTest, JoinsByATokenAndComesBackWithoutOne) {
  TestController controller(kToken);
  join(controller, kToken);
  EXPECT_NEAR(to_seconds(*controller.status().invokers.at(0).certificate_ends), to_seconds(wall_now() + 1h), 10);
  stop();
  struct stat info{};
  ASSERT_EQ(::stat(config_.identity_file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  join(controller, "");
}

TEST_F(SecureJoinTest, JoinsByATokenThatWasMade) {
  TestController controller(kToken);
  const std::string token = controller.add_token(1h);
  join(controller, token);
  controller.revoke(token);
  stop();
  join(controller, token);  // with its certificate: the token is not needed any more
}

TEST_F(SecureJoinTest, TokensThatAreNotGoodAreRefusedAtOnce) {
  TestController controller(kToken);
  expect_error(run_to_the_end(controller, "guessed"), ErrorCode::kDenied, "does not know this invoker's join token");
  const std::string expired = controller.add_token(0s);
  expect_error(run_to_the_end(controller, expired), ErrorCode::kDenied, "expired");
  const std::string revoked = controller.add_token(1h);
  controller.revoke(revoked);
  expect_error(run_to_the_end(controller, revoked), ErrorCode::kDenied, "revoked");
  std::string near = controller.add_token(1h);
  near.back() = near.back() == '0' ? '1' : '0';
  expect_error(run_to_the_end(controller, near), ErrorCode::kDenied, "does not know this invoker's join token");
  EXPECT_FALSE(std::filesystem::exists(config_.identity_file));
  EXPECT_TRUE(controller.status().invokers.empty());
}

TEST_F(SecureJoinTest, SomebodyElseInTheControllersPlaceLearnsNothing) {
  TestController controller(kToken);
  TestController other("a token that it made up");
  expect_error(run_to_the_end(other, kToken), ErrorCode::kDenied, "not the controller that it should be");
  join(controller, kToken);
  stop();
  expect_error(run_to_the_end(other, ""), ErrorCode::kDenied, "authority is another");
  expect_error(run_to_the_end(other, kToken), ErrorCode::kDenied, "not the controller that it should be");
  EXPECT_TRUE(other.status().invokers.empty());
}

TEST_F(SecureJoinTest, EitherSideWithoutTlsSaysWhatIsMissing) {
  TestController controller(kToken);
  expect_error(run_to_the_end(controller, ""), ErrorCode::kDenied, "--join-token");
  TestController plain("");
  expect_error(run_to_the_end(plain, kToken), ErrorCode::kInvalid, "start it with --join-token");
  join(controller, kToken);
  stop();
  expect_error(run_to_the_end(plain, ""), ErrorCode::kInvalid, "start it with --join-token");
  std::filesystem::remove(config_.identity_file);
  join(plain, "");
  EXPECT_FALSE(plain.status().invokers.at(0).certificate_ends);
}

TEST_F(SecureJoinTest, ACertificateIsForOneName) {
  TestController controller(kToken);
  join(controller, kToken);
  stop();
  config_.name = "node-2";
  config_.join_token = "";
  const auto created = invoker::Invoker::create(
      config_, std::make_unique<invoker::testing::FakeDriver>(std::make_shared<invoker::testing::FakeContainers>()));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::kInvalid);
  EXPECT_NE(created.error().message.find("--name node-1"), std::string::npos) << created.error().message;
  join(controller, kToken);
  EXPECT_EQ(controller.status().invokers.at(0).name, "node-2");
}

TEST_F(SecureJoinTest, ANameThatCannotBeInACertificateIsRefused) {
  TestController controller(kToken);
  config_.name = std::string(65, 'x');
  expect_error(run_to_the_end(controller, kToken), ErrorCode::kInvalid, "a certificate can hold 64");
}

TEST_F(SecureJoinTest, CertificatesAreRenewedUnderARunningSession) {
  TestController controller(kToken, 4s);
  join(controller, kToken);
  const WallTime first = *controller.status().invokers.at(0).certificate_ends;
  const WallTime joined = controller.status().invokers.at(0).joined;
  while (wall_now() <= first + 1s) ASSERT_TRUE(says("renewed"));
  const Status status = controller.status();
  EXPECT_EQ(status.invokers.at(0).joined, joined) << "the session goes on";
  EXPECT_GT(*status.invokers.at(0).certificate_ends, first + 1s);
  stop();
  join(controller, "");
}

TEST_F(SecureJoinTest, OneThatHasEndedIsReplacedByAToken) {
  TestController controller(kToken);
  const std::string key = make_private_key().value();
  const std::string ended =
      sign_certificate(controller.authority(), make_certificate_request(key).value(),
                       {.common_name = "node-1", .names = {}, .use = CertificateUse::kClient, .life = -10s})
          .value();
  ASSERT_TRUE(invoker::save_identity(config_.identity_file, {.certificate = {.chain = ended, .private_key = key},
                                                             .authority = controller.authority().chain}));
  expect_error(run_to_the_end(controller, ""), ErrorCode::kDenied, "gust token create");
  join(controller, kToken);
}

TEST_F(SecureJoinTest, AControllerThatLostItsAuthorityIsJoinedAgainByTheToken) {
  TestController controller(kToken);
  join(controller, kToken);
  controller.stop();
  ASSERT_TRUE(says("lost the controller"));
  controller.lose_authority();
  controller.start();
  ASSERT_TRUE(says("joined the controller"));
  stop();
  const auto identity = invoker::load_identity(config_.identity_file);
  ASSERT_TRUE(identity && *identity);
  EXPECT_EQ((*identity)->authority, controller.authority().chain);
  controller.stop();
  controller.lose_authority();
  controller.start();
  expect_error(run_to_the_end(controller, ""), ErrorCode::kDenied, "authority is another");
}

TEST_F(SecureJoinTest, AControllerThatComesBackTakesTheCertificateNotTheToken) {
  TestController controller(kToken);
  const std::string token = controller.add_token(1h);
  join(controller, token);
  controller.revoke(token);
  controller.stop();
  ASSERT_TRUE(says("lost the controller"));
  controller.start();
  ASSERT_TRUE(says("joined the controller"));
}

TEST_F(SecureJoinTest, AnIdentityThatCannotBeReadIsReplacedByAToken) {
  TestController controller(kToken);
  join(controller, kToken);
  stop();
  std::filesystem::resize_file(config_.identity_file, 300);
  config_.join_token = "";
  const auto created = invoker::Invoker::create(
      config_, std::make_unique<invoker::testing::FakeDriver>(std::make_shared<invoker::testing::FakeContainers>()));
  ASSERT_FALSE(created);
  EXPECT_NE(created.error().message.find("identity.pem"), std::string::npos) << created.error().message;
  join(controller, kToken);
}

// What the controller alone has to refuse: a client that does not follow the rules.
class HostileClientTest : public testing::Test {
 protected:
  protocol::TlsIdentity identity(const Certificate& authority, const std::string& name,
                                 CertificateUse use = CertificateUse::kClient) {
    const std::string key = make_private_key().value();
    auto certificate = sign_certificate(authority, make_certificate_request(key).value(),
                                        {.common_name = name, .names = {}, .use = use, .life = 1h})
                           .value();
    return {.certificate = {.chain = std::move(certificate), .private_key = key},
            .authority = controller_.authority().chain};
  }

  /// The answer to the first message of a connection; kUnavailable when there is none, or no connection.
  Result<protocol::ControllerMessage> ask(const Result<TlsContext>& tls, protocol::InvokerMessage question) {
    EXPECT_TRUE(tls);
    protocol::testing::BlockingClient client(controller_.address(), *tls);
    client.send(std::move(question));
    auto answer = client.read();
    if (!answer) return fail(ErrorCode::kUnavailable, client.end_reason().value_or(Error{}).message);
    if (answer->has_refused()) return std::unexpected(protocol::read_refusal(answer->refused()));
    return std::move(*answer);
  }

  /// Whether it is let in under this name.
  Result<void> hello(const Result<TlsContext>& tls, const std::string& name) {
    protocol::InvokerMessage message;
    message.mutable_hello()->set_protocol_version(protocol::kProtocolVersion);
    message.mutable_hello()->set_name(name);
    message.mutable_hello()->set_slots(1);
    message.mutable_hello()->set_memory_bytes(1 << 30);
    message.mutable_hello()->set_pid(1);
    const auto answer = ask(tls, std::move(message));
    if (!answer) return std::unexpected(answer.error());
    EXPECT_TRUE(answer->has_welcome());
    return {};
  }

  TestController controller_{kToken};
};

TEST_F(HostileClientTest, OnlyOwnCertificatesOpenASession) {
  const auto mine = protocol::client_tls(identity(controller_.authority(), "a"));
  EXPECT_TRUE(hello(mine, "a"));
  expect_error(hello(mine, "b"), ErrorCode::kDenied, "certificate of a");
  const auto nameless = protocol::client_tls({.certificate = {}, .authority = controller_.authority().chain});
  expect_error(hello(nameless, "a"), ErrorCode::kDenied, "without a certificate");
  expect_error(hello(protocol::unverified_client_tls(), "a"), ErrorCode::kDenied, "without a certificate");
  expect_error(hello(TlsContext(), "a"), ErrorCode::kUnavailable, "");
}

TEST_F(HostileClientTest, ForeignCertificatesOpenNothing) {
  const Certificate foreign = make_authority("us", 10h).value();
  expect_error(hello(protocol::client_tls(identity(foreign, "a")), "a"), ErrorCode::kUnavailable, "");
  const auto server = identity(controller_.authority(), "a", CertificateUse::kServer);
  expect_error(hello(protocol::client_tls(server), "a"), ErrorCode::kUnavailable, "");
}

TEST_F(HostileClientTest, NoInvokerCanPassForTheController) {
  // A server with an invoker's certificate, even for the controller's name.
  const auto impostor = protocol::server_tls(identity(controller_.authority(), protocol::kControllerName));
  ASSERT_TRUE(impostor);
  boost::asio::io_context io;
  auto listener = protocol::Listener::open(io.get_executor(), "127.0.0.1:0");
  ASSERT_TRUE(listener);
  (*listener)->accept([&](protocol::Socket socket) {
    protocol::Connection::accept(
        std::move(socket), *impostor,
        {.message = [](std::string_view) { ADD_FAILURE() << "it has sent something"; }, .ended = [](const Error&) {}});
  });
  std::jthread serving([&] { io.run(); });
  protocol::testing::BlockingClient client((*listener)->address(),
                                           *protocol::client_tls(identity(controller_.authority(), "a")));
  protocol::InvokerMessage question;
  question.mutable_discover();
  client.send(std::move(question));
  EXPECT_FALSE(client.read());
  EXPECT_NE(client.end_reason()->message.find("certificate"), std::string::npos) << client.end_reason()->message;
  io.stop();
}

TEST_F(HostileClientTest, RenewalNeedsACertificateAndKeepsTheName) {
  protocol::InvokerMessage question;
  question.mutable_renew()->set_request(make_certificate_request(make_private_key().value()).value());
  const auto without = ask(protocol::unverified_client_tls(), question);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::kDenied);
  const auto renewed = ask(protocol::client_tls(identity(controller_.authority(), "a")), question);
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_EQ(read_certificate(renewed->certificate().certificate())->common_name, "a");
}

TEST_F(HostileClientTest, WhatIsNoSessionIsRefused) {
  const auto mine = protocol::client_tls(identity(controller_.authority(), "a"));
  protocol::InvokerMessage reports;
  reports.mutable_reports();
  const auto early = ask(mine, reports);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kInvalid);
  EXPECT_NE(early.error().message.find("must be hello"), std::string::npos);
}

}  // namespace
}  // namespace gust::controller
