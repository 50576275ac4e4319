// The invoker's session with its controller: joining, refusals, loss, the end.
#include <filesystem>

#include "invoker/testing/invoker_fixture.h"
#include "invoker/testing/relay.h"

namespace gust::invoker {
namespace {

using namespace std::chrono_literals;
using testing::code_piece;
using testing::InvokerFixture;
using testing::start_packs;

class SessionTest : public InvokerFixture {
 protected:
  Result<void> outcome_when_refused(ErrorCode code, const std::string& message) {
    listen();
    controller_->admit([=](const protocol::Hello&) { return fail(code, message); });
    run();
    return outcome();
  }
};

TEST_F(SessionTest, SaysWhatItIs) {
  config_.join_token = "secret";
  join();
  EXPECT_EQ(session_->hello().protocol_version(), protocol::kProtocolVersion);
  EXPECT_EQ(session_->hello().name(), "node-1");
  EXPECT_EQ(session_->hello().join_token(), "secret");
  EXPECT_EQ(session_->hello().slots(), 48U);
  EXPECT_EQ(session_->hello().memory_bytes(), Bytes::mb(4096).count());
  EXPECT_EQ(session_->hello().driver(), "fake");
  EXPECT_EQ(session_->hello().pid(), ::getpid());
}

TEST_F(SessionTest, OffersWhatTheMachineHasUnlessTold) {
  config_.slots = 0;
  config_.memory = Bytes();
  join();
  EXPECT_GE(session_->hello().slots(), 1U);
  EXPECT_GT(session_->hello().memory_bytes(), Bytes::mb(1).count());
}

TEST_F(SessionTest, GivesUpAtOnceWhenRefused) {
  const auto result = outcome_when_refused(ErrorCode::kDenied, "wrong join token");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDenied);
  EXPECT_NE(result.error().message.find("wrong join token"), std::string::npos) << result.error().message;
}

TEST_F(SessionTest, GivesUpAtOnceOnAnotherVersion) {
  const auto result = outcome_when_refused(ErrorCode::kVersionMismatch, "version 9 is needed");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kVersionMismatch);
}

TEST_F(SessionTest, GivesUpAtOnceWhenItsNameIsTaken) {
  const auto result = outcome_when_refused(ErrorCode::kExists, "node-1 is here already");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kExists);
}

TEST_F(SessionTest, RefusesAControllerOfAnotherVersion) {
  listen();
  protocol::ControllerMessage welcome;
  welcome.mutable_welcome()->set_protocol_version(protocol::kProtocolVersion + 1);
  controller_->welcome(welcome);
  run();
  const auto result = outcome();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kVersionMismatch);
}

TEST_F(SessionTest, WithoutGraceOneAttemptIsAll) {
  config_.controller_grace = 0ms;
  run();
  const auto result = outcome();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(result.error().message.find("no controller at " + config_.controller + "; gave up"), std::string::npos)
      << result.error().message;
}

TEST_F(SessionTest, LooksForTheControllerUntilTheGraceHasPassed) {
  config_.controller_grace = 300ms;
  const auto before = std::chrono::steady_clock::now();
  run();
  const auto result = outcome();
  EXPECT_GE(std::chrono::steady_clock::now() - before, 300ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(result.error().message.find("for 0.3 s; gave up"), std::string::npos) << result.error().message;
}

TEST_F(SessionTest, FindsAControllerThatComesLater) {
  run();
  listen();
  EXPECT_TRUE(controller_->next_session());
}

TEST_F(SessionTest, KillsPacksOfALostControllerAndJoinsTheNextOne) {
  join();
  const auto packs = start({2, 2});
  session_->end({ErrorCode::kUnavailable, "going down"});
  EXPECT_EQ(containers_->next_killed(1s), packs[0]->spec().id);
  EXPECT_EQ(containers_->next_killed(1s), packs[1]->spec().id);
  controller_.reset();
  listen();
  session_ = controller_->next_session();
  ASSERT_TRUE(session_);
  // The new session starts from nothing: the same flare can be ordered again, and nothing is heard of the old one.
  const auto again = start({1});
  again[0]->launch_and_load();
  again[0]->start_workers({0});
  again[0]->finish_worker(0);
  again[0]->exit(0);
  EXPECT_EQ(end_of(0).ended().cause(), protocol::PACK_CAUSE_FINISHED);
  EXPECT_EQ(news_.size(), 1U);
}

class KeepingSessionTest : public SessionTest {
 protected:
  // The first one finds a new invoker; what has begun goes on with the next one, which may be another state's.
  void come(const std::string& state) {
    controller_.reset();
    controller_ = std::make_unique<testing::FakeController>(config_.controller, state);
    if (!invoker_) run();
    session_ = controller_->next_session();
    ASSERT_TRUE(session_);
  }
};

TEST_F(KeepingSessionTest, PacksAndReportsWaitForTheNextController) {
  come("state");
  EXPECT_EQ(session_->hello().kept_size(), 0);
  const auto packs = start({1, 1});
  packs[0]->launch_and_load();
  packs[0]->start_workers({0});
  packs[0]->finish_worker(0);
  packs[0]->exit(0);
  EXPECT_EQ(end_of(0).ended().cause(), protocol::PACK_CAUSE_FINISHED);

  come("state");
  ASSERT_EQ(session_->hello().kept_size(), 1);
  const protocol::KeptFlare kept = session_->hello().kept(0);
  EXPECT_EQ(kept.pack_ids_size(), 2);
  ASSERT_EQ(kept.ended_pack_ids_size(), 1);
  EXPECT_EQ(kept.ended_pack_ids(0), 0U);
  EXPECT_EQ(session_->hello().invoker_id(), 7U);
  EXPECT_EQ(session_->hello().code(0).digest(), code_digest_);
  news_.clear();
  EXPECT_EQ(end_of(0).ended().cause(), protocol::PACK_CAUSE_FINISHED);
  EXPECT_EQ(news_[0].finished().worker_id_size(), 1) << "all of it is told again";
  packs[1]->launch_and_load();
  packs[1]->start_workers({1});
  packs[1]->finish_worker(1);
  packs[1]->exit(0);
  EXPECT_EQ(end_of(1).ended().cause(), protocol::PACK_CAUSE_FINISHED);

  protocol::ControllerMessage forget;
  forget.mutable_forget()->add_flare_ids(kept.flare_id());
  session_->send(forget);
  auto other = start_packs({1}, "unknown");
  other.mutable_start_packs()->set_flare_id(std::string(32, 'b'));
  session_->send(other);  // answered after that, and kept in its turn
  ASSERT_TRUE(session_->next_reports());
  come("state");
  ASSERT_EQ(session_->hello().kept_size(), 1);
  EXPECT_NE(session_->hello().kept(0).flare_id(), kept.flare_id());
}

TEST_F(KeepingSessionTest, WhatIsForgottenIsKilled) {
  come("state");
  const auto packs = start({1});
  come("state");
  protocol::ControllerMessage forget;
  forget.mutable_forget()->add_flare_ids(session_->hello().kept(0).flare_id());
  session_->send(forget);
  EXPECT_EQ(containers_->next_killed(1s), packs[0]->spec().id);
}

TEST_F(KeepingSessionTest, WhatWasKeptForAnotherStateIsKilled) {
  come("state");
  const auto packs = start({1});
  come("another");
  EXPECT_EQ(containers_->next_killed(1s), packs[0]->spec().id);
}

TEST_F(SessionTest, WithoutGraceALostControllerIsTheEnd) {
  config_.controller_grace = 0ms;
  join();
  const auto packs = start({1});
  controller_.reset();
  const auto result = outcome();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(containers_->next_killed(), packs[0]->spec().id);
}

TEST_F(SessionTest, AControllerThatFallsSilentIsNoticedWithinThreeSeconds) {
  config_.controller_grace = 0ms;
  listen();
  const std::string path = directory_.path() / "controller";
  testing::Relay relay(path + "-relay", path);
  config_.controller = "unix:" + path + "-relay";
  run();
  session_ = controller_->next_session();
  ASSERT_TRUE(session_);
  const auto packs = start({1});
  const auto before = std::chrono::steady_clock::now();
  relay.hold();
  EXPECT_EQ(containers_->next_killed(), packs[0]->spec().id);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  EXPECT_FALSE(outcome());
}

TEST_F(SessionTest, AnOldSessionThatHoldsTheNameIsWaitedFor) {
  join();
  std::atomic<int> refusals = 0;
  controller_->admit([&](const protocol::Hello&) -> Result<void> {
    if (++refusals < 3) return fail(ErrorCode::kExists, "node-1 is here");
    return {};
  });
  session_->end({ErrorCode::kUnavailable, "a network fault"});
  EXPECT_TRUE(controller_->next_session());
  EXPECT_EQ(refusals, 3);
}

TEST_F(SessionTest, StopKillsPacksAndLeavesNothingBehind) {
  join();
  const auto packs = start({4});
  EXPECT_TRUE(std::filesystem::exists(config_.state_dir / "code" / code_digest_));
  invoker_->stop();
  EXPECT_TRUE(outcome());
  EXPECT_EQ(containers_->next_killed(), packs[0]->spec().id);
  invoker_.reset();
  EXPECT_FALSE(std::filesystem::exists(config_.state_dir));
}

TEST_F(SessionTest, ASecondInvokerCannotHaveTheSameStateDirectory) {
  join();
  const auto second = Invoker::create(config_, std::make_unique<testing::FakeDriver>(containers_));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kExists);
}

TEST_F(SessionTest, NeedsANameAndAController) {
  for (std::string InvokerConfig::* field : {&InvokerConfig::name, &InvokerConfig::controller}) {
    InvokerConfig config = config_;
    (config.*field).clear();
    const auto created = Invoker::create(config, std::make_unique<testing::FakeDriver>(containers_));
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, ErrorCode::kInvalid);
  }
}

TEST_F(SessionTest, CodeWithAWrongDigestEndsTheSession) {
  join();
  session_->send(code_piece(std::string(64, '0'), code_, true));
  EXPECT_TRUE(controller_->next_session()) << "it should have joined anew";
}

TEST_F(SessionTest, CodeComesInPieces) {
  join();
  session_->send(code_piece(code_digest_, code_.substr(0, 5), false));
  session_->send(code_piece(code_digest_, code_.substr(5), true));
  session_->send(start_packs({1}, code_digest_));
  const auto pack = containers_->next();
  ASSERT_TRUE(pack);
  const auto start = pack->read_start();
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(start->code_path, (config_.state_dir / "code" / code_digest_).string());
  EXPECT_EQ(std::filesystem::file_size(start->code_path), code_.size());
}

TEST_F(SessionTest, PacksWithoutTheirCodeDoNotStart) {
  join();
  session_->send(start_packs({1, 1}, code_digest_));
  for (const std::uint32_t pack : {0U, 1U}) {
    EXPECT_EQ(end_of(pack).ended().cause(), protocol::PACK_CAUSE_LAUNCH_FAILED);
    EXPECT_NE(end_of(pack).ended().message().find(code_digest_), std::string::npos);
  }
}

TEST_F(SessionTest, AnOrderWithoutSenseEndsTheSession) {
  join();
  send_code();
  protocol::ControllerMessage order = start_packs({2}, code_digest_);
  order.mutable_start_packs()->mutable_packs(0)->set_params_end(1, 1'000'000);
  session_->send(order);
  EXPECT_TRUE(controller_->next_session());
}

TEST_F(SessionTest, ALostDriverIsTheEnd) {
  join();
  const auto packs = start({1});
  containers_->lose_driver();
  const auto result = outcome();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(result.error().message.find("the launcher was killed"), std::string::npos);
}

}  // namespace
}  // namespace gust::invoker
