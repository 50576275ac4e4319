#include "controller/registrar.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/testing/test_folder.h"
#include "protocol/join_token.h"
#include "store/memory/entity_store.h"

namespace gust::controller {
namespace {

using std::chrono::hours;

const std::string kNonce(protocol::kJoinNonceBytes, 'n');

class RegistrarTest : public testing::Test {
 protected:
  RegistrarTest() { open("the configured one"); }

  void open(const std::string& configured) {
    auto made = Registrar::create({.authority = authority_, .join_token = configured, .clock = [this] { return now_; }},
                                  tokens_);
    ASSERT_TRUE(made) << made.error().message;
    registrar_ = std::move(*made);
  }

  protocol::JoinToken add_token(hours life) {
    protocol::JoinToken made = protocol::make_join_token();
    store::Token token;
    token.name = made.id;
    token.digest = protocol::join_token_digest(made.text);
    token.expires = now_ + life;
    EXPECT_TRUE(tokens_.put(std::move(token), store::Overwrite::kNo));
    return made;
  }

  Result<protocol::DiscoverAnswer> discover(const std::string& id, const std::string& nonce = kNonce) {
    protocol::DiscoverRequest request;
    request.set_token_id(id);
    request.set_nonce(nonce);
    return registrar_->discover(request);
  }

  Result<protocol::SignedCertificate> join(const std::string& token, const std::string& name = "node-1") {
    protocol::JoinRequest request;
    request.set_token(token);
    request.set_name(name);
    request.set_request(make_certificate_request(key_).value());
    return registrar_->join(request);
  }

  void expect_denied(const auto& result, const std::string& part) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kDenied);
    EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
  }

  WallTime now_ = wall_now();
  Certificate authority_ = make_authority("us", hours(100)).value();
  std::string key_ = make_private_key().value();
  store::MemoryEntityStore<store::Token> tokens_;
  std::unique_ptr<Registrar> registrar_;
};

TEST_F(RegistrarTest, ProvesThatItKnowsTheToken) {
  const auto token = add_token(hours(1));
  for (const std::string& text : {std::string("the configured one"), token.text}) {
    const auto answer = discover(protocol::join_token_id(text));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->authority(), authority_.chain);
    EXPECT_EQ(answer->proof(), protocol::join_proof(protocol::join_token_digest(text), kNonce, authority_.chain));
  }
}

TEST_F(RegistrarTest, WithoutANonceItProvesNothing) {
  const auto answer = discover("", "");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->authority(), authority_.chain);
  EXPECT_EQ(answer->proof(), "");
  EXPECT_EQ(discover("", "short").error().code, ErrorCode::kInvalid);
}

TEST_F(RegistrarTest, SignsForTheNameThatWasAskedFor) {
  const auto answer = join(add_token(hours(1)).text, "node-7");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(read_key_pair(answer->certificate(), key_));
  const auto facts = read_certificate(answer->certificate());
  EXPECT_EQ(facts->common_name, "node-7");
  EXPECT_NEAR(to_seconds(facts->not_after), to_seconds(wall_now() + std::chrono::days(7)), 5);
  EXPECT_TRUE(join("the configured one"));
  EXPECT_EQ(join("the configured one", std::string(70, 'x')).error().code, ErrorCode::kInvalid);
}

TEST_F(RegistrarTest, RefusesWrongTokens) {
  const auto token = add_token(hours(1));
  std::string near = token.text;
  near.back() = near.back() == '0' ? '1' : '0';
  expect_denied(join(near), "wrong");
  expect_denied(join("another text"), "wrong");
  expect_denied(join(""), "wrong");
  expect_denied(join(protocol::make_join_token().text), "no join token");
  expect_denied(discover(protocol::make_join_token().id), "no join token");
  open("");
  expect_denied(join(""), "wrong");
  expect_denied(discover(""), "wrong");
  EXPECT_TRUE(join(token.text));
}

TEST_F(RegistrarTest, RefusesExpiredAndRevokedTokens) {
  const auto token = add_token(hours(1));
  now_ += std::chrono::minutes(59);
  EXPECT_TRUE(join(token.text));
  now_ += std::chrono::minutes(1);
  expect_denied(join(token.text), "expired");
  expect_denied(discover(token.id), "expired");
  const auto other = add_token(hours(1));
  EXPECT_TRUE(join(other.text));
  EXPECT_TRUE(tokens_.remove({}, other.id));
  expect_denied(join(other.text), "revoked");
  EXPECT_TRUE(join("the configured one"));
}

TEST_F(RegistrarTest, RenewsForTheSameName) {
  protocol::RenewRequest request;
  request.set_request(make_certificate_request(key_).value());
  EXPECT_EQ(read_certificate(registrar_->renew(request, "node-3")->certificate())->common_name, "node-3");
  request.set_request("nothing");
  EXPECT_EQ(registrar_->renew(request, "node-3").error().code, ErrorCode::kInvalid);
}

TEST_F(RegistrarTest, NeedsAnAuthorityThatHasNotEnded) {
  const Certificate server = registrar_->make_server_identity()->certificate;
  EXPECT_EQ(Registrar::create({.authority = server, .join_token = "x"}, tokens_).error().code, ErrorCode::kInvalid);
  now_ += hours(101);
  const auto late =
      Registrar::create({.authority = authority_, .join_token = "x", .clock = [this] { return now_; }}, tokens_);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("ended"), std::string::npos);
}

TEST(Authority, IsMadeOnceForThisUserOnly) {
  const TestFolder folder;
  const std::filesystem::path file = folder.path() / "join-ca.pem";
  const auto made = load_or_make_authority(file);
  ASSERT_TRUE(made) << made.error().message;
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const auto again = load_or_make_authority(file);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->chain, made->chain);
  EXPECT_EQ(again->private_key, made->private_key);
  std::filesystem::resize_file(file, 100);
  const auto broken = load_or_make_authority(file);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("join-ca.pem"), std::string::npos) << broken.error().message;
  EXPECT_FALSE(load_or_make_authority(folder.path() / "absent" / "ca.pem"));
}

}  // namespace
}  // namespace gust::controller
