// What the controller hears of packs, played by the test.
#include <csignal>
#include <sys/socket.h>

#include "invoker/testing/invoker_fixture.h"

namespace gust::invoker {
namespace {

using namespace std::chrono_literals;
using protocol::FrameType;
using testing::FakePack;
using testing::InvokerFixture;
using testing::kFlare;
using testing::start_packs;

constexpr int kExit3 = 3 << 8;  // as from waitpid(2)

class PacksTest : public InvokerFixture {
 protected:
  void SetUp() override { join(); }

  void stop_flare() {
    protocol::ControllerMessage message;
    message.mutable_stop_flare()->set_flare_id(kFlare);
    message.mutable_stop_flare()->set_reason("pack 9 crashed");
    session_->send(message);
  }

  /// A pack of two workers that have started, and been reported.
  std::unique_ptr<FakePack> running_pack() {
    auto pack = std::move(start({2})[0]);
    pack->launch_and_load();
    pack->start_workers({0, 1});
    const auto reports = session_->next_reports();
    EXPECT_TRUE(reports);
    return pack;
  }
};

TEST_F(PacksTest, APackIsToldEverythingAboutItself) {
  const auto packs = start({2, 3});
  const auto start = packs[1]->read_start();
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(start->flare_id, kFlare);
  EXPECT_EQ(start->action_name, "/guest/hello");
  EXPECT_EQ(start->invoker_id, 7U);
  EXPECT_EQ(start->pack_id, 1U);
  EXPECT_EQ(start->burst_size, 5U);
  EXPECT_EQ(start->workers, (WorkerRange{WorkerId(2), 3}));
  EXPECT_EQ(start->pack_first_worker, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(start->params, "{}{}{}");
  EXPECT_EQ(start->params_end, (std::vector<std::uint32_t>{2, 4, 6}));
  EXPECT_EQ(packs[1]->spec().limits.memory, Bytes::mb(256));
  EXPECT_EQ(packs[1]->spec().limits.workers, 3U);
}

TEST_F(PacksTest, ThePacksEnvironmentIsOpenWhisksAndNotTheInvokers) {
  ::setenv("GUST_JOIN_TOKEN", "secret", 1);
  const auto packs = start({1});
  const std::vector<std::string>& environment = packs[0]->spec().environment;
  const auto has = [&](const std::string& entry) {
    return std::find(environment.begin(), environment.end(), entry) != environment.end();
  };
  EXPECT_TRUE(has("__OW_NAMESPACE=guest"));
  EXPECT_TRUE(has("__OW_ACTION_NAME=/guest/hello"));
  EXPECT_TRUE(has("__OW_ACTION_VERSION=0.0.1"));
  EXPECT_TRUE(has("__OW_ACTIVATION_ID=" + std::string(32, 'a')));
  EXPECT_TRUE(has("GUST_FLARE_ID=" + kFlare));
  for (const std::string& entry : environment) EXPECT_EQ(entry.find("secret"), std::string::npos) << entry;
}

TEST_F(PacksTest, ParametersLargerThanTheSocketArrive) {
  protocol::ControllerMessage order = start_packs({1}, code_digest_);
  protocol::PackStart& pack = *order.mutable_start_packs()->mutable_packs(0);
  pack.set_params("\"" + std::string(20 << 20, 'x') + "\"");
  pack.set_params_end(0, static_cast<std::uint32_t>(pack.params().size()));
  send_code();
  session_->send(order);
  const auto start = containers_->next()->read_start();
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(start->params, pack.params());
}

TEST_F(PacksTest, OneMessageWhenAllHaveStartedAndOneWhenAllHaveEnded) {
  const auto packs = start({2, 2, 2, 2});
  for (std::uint32_t i = 0; i < 4; ++i) {
    packs[i]->launch_and_load();
    packs[i]->start_workers({2 * i, 2 * i + 1});
  }
  const auto started = session_->next_reports();
  ASSERT_TRUE(started);
  ASSERT_EQ(started->packs_size(), 4);
  for (const protocol::PackReport& pack : started->packs()) {
    EXPECT_EQ(pack.flare_id(), kFlare);
    EXPECT_EQ(pack.launched().pid(), 4711);
    EXPECT_GT(pack.launched().received_us(), 0);
    EXPECT_EQ(pack.loaded().loaded_us(), 20);
    ASSERT_EQ(pack.started().worker_id_size(), 2);
    EXPECT_EQ(pack.started().worker_id(0), 2 * pack.pack_id());
    EXPECT_EQ(pack.started().started_us(0), 1000 + 2 * pack.pack_id());
  }
  for (std::uint32_t i = 0; i < 4; ++i) {
    packs[i]->finish_worker(2 * i, R"({"i":1})");
    packs[i]->finish_worker(2 * i + 1, "what went wrong", false);
    packs[i]->exit(0);
  }
  const auto ended = session_->next_reports();
  ASSERT_TRUE(ended);
  ASSERT_EQ(ended->packs_size(), 4);
  for (const protocol::PackReport& pack : ended->packs()) {
    ASSERT_EQ(pack.finished().worker_id_size(), 2);
    EXPECT_TRUE(pack.finished().ok(0));
    EXPECT_EQ(pack.finished().result(0), R"({"i":1})");
    EXPECT_FALSE(pack.finished().ok(1));
    EXPECT_EQ(pack.finished().result(1), "what went wrong");
    EXPECT_EQ(pack.ended().cause(), protocol::PACK_CAUSE_FINISHED);
    EXPECT_EQ(pack.ended().cpu_us(), 5U);
    EXPECT_EQ(pack.ended().peak_memory_bytes(), Bytes::mb(3).count());
  }
  EXPECT_FALSE(session_->next_reports(200ms));
}

TEST_F(PacksTest, NewsOfSomeWorkersComeWithoutWaitingForTheOthers) {
  const auto packs = start({2});
  packs[0]->launch_and_load();
  packs[0]->start_workers({1});
  bool seen = false;
  while (!seen) {
    const auto reports = session_->next_reports();
    ASSERT_TRUE(reports);
    seen = reports->packs(0).started().worker_id_size() == 1;
  }
}

TEST_F(PacksTest, AResultThatIsNotJsonIsTheWorkersError) {
  const auto pack = running_pack();
  pack->finish_worker(0, R"({"a":})");
  pack->finish_worker(1, "");
  pack->exit(0);
  const auto report = end_of(0);
  ASSERT_EQ(report.finished().ok_size(), 2);
  EXPECT_FALSE(report.finished().ok(0));
  EXPECT_EQ(report.finished().result(0), "result is not JSON: wrong at byte 6");
  EXPECT_FALSE(report.finished().ok(1));
}

TEST_F(PacksTest, ACrashNamesTheWorkerAndTheSignal) {
  const auto pack = running_pack();
  protocol::CrashedMessage crash;
  crash.worker_id = 1;
  crash.signal = SIGSEGV;
  crash.address = 0x10;
  pack->say(FrameType::kCrashed, std::string(reinterpret_cast<const char*>(&crash), sizeof crash));
  pack->exit(SIGSEGV);
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_WORKER_CRASHED);
  EXPECT_EQ(ended.worker_id(), 1U);
  EXPECT_EQ(ended.signal(), SIGSEGV);
  EXPECT_EQ(ended.message(), "worker 1 crashed with SIGSEGV (address 0x10)");
}

TEST_F(PacksTest, AnExitNamesTheWorkerAndTheCode) {
  const auto pack = running_pack();
  protocol::ExitedMessage exit;
  exit.worker_id = 0;
  exit.exit_code = 3;
  pack->say(FrameType::kExited, std::string(reinterpret_cast<const char*>(&exit), sizeof exit));
  pack->exit(kExit3);
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_WORKER_EXITED);
  EXPECT_EQ(ended.worker_id(), 0U);
  EXPECT_EQ(ended.exit_code(), 3);
}

TEST_F(PacksTest, AKillFromOutsideIsReportedAtOnce) {
  const auto pack = running_pack();
  pack->exit(SIGKILL);
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_KILLED);
  EXPECT_EQ(ended.signal(), SIGKILL);
  EXPECT_NE(ended.message().find("pack 0 was killed by SIGKILL from outside"), std::string::npos);
  EXPECT_NE(ended.message().find("limits.memory (256 MB)"), std::string::npos) << ended.message();
}

TEST_F(PacksTest, AnEarlyExitCountsWhatHadFinished) {
  const auto pack = running_pack();
  pack->finish_worker(1);
  pack->exit(kExit3);
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_WORKER_EXITED);
  EXPECT_EQ(ended.message(), "pack 0 exited with code 3 after 1 of its 2 workers had finished");
}

TEST_F(PacksTest, AFailureToLoadIsTold) {
  const auto packs = start({1});
  packs[0]->say(FrameType::kLoadFailed, "no symbol gust_worker\xff");
  packs[0]->exit(kExit3);
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_LOAD_FAILED);
  EXPECT_EQ(ended.message(), "no symbol gust_worker\xef\xbf\xbd");
}

TEST_F(PacksTest, AContainerThatCannotBeCreatedIsTold) {
  const auto packs = start({1});
  containers_->exited(packs[0]->spec().id, 0, "no more processes");
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_LAUNCH_FAILED);
  EXPECT_EQ(ended.message(), "pack 0 could not be started: no more processes");
}

TEST_F(PacksTest, AStoppedFlareEndsAllItsPacks) {
  const auto packs = start({1, 1});
  stop_flare();
  for (const std::uint32_t pack : {0U, 1U}) {
    EXPECT_EQ(end_of(pack).ended().cause(), protocol::PACK_CAUSE_STOPPED);
    EXPECT_NE(end_of(pack).ended().message().find("pack 9 crashed"), std::string::npos);
  }
}

TEST_F(PacksTest, StoppingAnUnknownFlareIsNothing) {
  stop_flare();
  const auto pack = running_pack();
  pack->finish_worker(0);
  pack->finish_worker(1);
  pack->exit(0);
  EXPECT_EQ(end_of(0).ended().cause(), protocol::PACK_CAUSE_FINISHED);
}

TEST_F(PacksTest, AHostilePackIsKilled) {
  const auto pack = running_pack();
  const std::string junk = "this is no frame at all";
  ASSERT_GT(::send(pack->socket(), junk.data(), junk.size(), 0), 0);
  EXPECT_EQ(containers_->next_killed(), pack->spec().id);
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_KILLED);
  EXPECT_NE(ended.message().find("broke the rules"), std::string::npos) << ended.message();
}

TEST_F(PacksTest, APackThatLiesAboutItsWorkersIsKilled) {
  const auto pack = running_pack();
  pack->finish_worker(17);
  EXPECT_EQ(containers_->next_killed(), pack->spec().id);
  EXPECT_NE(end_of(0).ended().message().find("worker 17"), std::string::npos);
}

TEST_F(PacksTest, APackThatDoesNotExitIsKilledAndHasFinished) {
  const auto pack = running_pack();
  pack->finish_worker(0);
  pack->finish_worker(1);
  EXPECT_EQ(containers_->next_killed(), pack->spec().id);
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_FINISHED);
  EXPECT_NE(ended.message().find("did not exit"), std::string::npos) << ended.message();
}

TEST_F(PacksTest, APackThatClosesItsSocketAndLivesOnIsKilled) {
  const auto pack = running_pack();
  pack->close_socket();
  EXPECT_EQ(containers_->next_killed(), pack->spec().id);
  EXPECT_EQ(end_of(0).ended().cause(), protocol::PACK_CAUSE_KILLED);
}

TEST_F(PacksTest, ADescendantThatHoldsTheStreamsDoesNotHoldUpTheEnd) {
  const auto pack = running_pack();
  pack->print("last words\n");
  pack->exit_and_leave_a_child(SIGTERM);
  const auto report = end_of(0);
  EXPECT_EQ(report.ended().cause(), protocol::PACK_CAUSE_KILLED);
  ASSERT_EQ(report.log_size(), 1);
  EXPECT_EQ(report.log(0).text(), "last words");
}

TEST_F(PacksTest, OutputComesAsLines) {
  const auto pack = running_pack();
  pack->print("one\ntwo \xff\n");
  pack->print("no end of line");
  pack->exit(0);
  const auto report = end_of(0);
  ASSERT_EQ(report.log_size(), 3);
  EXPECT_EQ(report.log(0).text(), "one");
  EXPECT_FALSE(report.log(0).is_stderr());
  EXPECT_GT(report.log(0).stamp_us(), 0);
  EXPECT_EQ(report.log(1).text(), "two \xef\xbf\xbd");
  EXPECT_EQ(report.log(2).text(), "no end of line");
}

TEST_F(PacksTest, OutputIsReportedWhileThePackRuns) {
  const auto pack = running_pack();
  pack->print("first\nbegun");
  auto reports = session_->next_reports();
  ASSERT_TRUE(reports);
  ASSERT_EQ(reports->packs_size(), 1);
  ASSERT_EQ(reports->packs(0).log_size(), 1);
  EXPECT_EQ(reports->packs(0).log(0).text(), "first");
  pack->print(" and ended\n");
  reports = session_->next_reports();
  ASSERT_TRUE(reports);
  ASSERT_EQ(reports->packs(0).log_size(), 1);
  EXPECT_EQ(reports->packs(0).log(0).text(), "begun and ended");
}

TEST_F(PacksTest, AFloodOfOutputIsCutAndDoesNotBlockThePack) {
  const auto pack = running_pack();
  const std::string block(1000, 'x');
  for (int i = 0; i < 5000; ++i) pack->print(block + "\n");  // blocks for ever if nobody reads
  pack->finish_worker(0);
  pack->finish_worker(1);
  pack->exit(0);
  const auto report = end_of(0);
  EXPECT_EQ(report.ended().cause(), protocol::PACK_CAUSE_FINISHED);
  ASSERT_GT(report.log_size(), 900);
  ASSERT_LT(report.log_size(), 1100);
  EXPECT_EQ(report.log(report.log_size() - 1).text(),
            "the log was cut here: this pack wrote more than 1 MB; raise limits.logs to keep more");
}

}  // namespace
}  // namespace gust::invoker
