// The invoker with the real container driver, real packs and real user code.

#include <csignal>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "base/json.h"
#include "container/make_driver.h"
#include "invoker/testing/invoker_fixture.h"

namespace gust::invoker {
namespace {

using namespace std::chrono_literals;
using testing::code_piece;
using testing::kFlare;
using testing::start_packs;

// The sanitizers' shadow memory counts against a pack's limit, and they need terabytes of it.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GUST_TEST_SHADOW
#endif
#endif
#ifdef GUST_TEST_SHADOW
constexpr Bytes kPackMemory(std::uint64_t{1} << 60);
#else
constexpr Bytes kPackMemory = Bytes::mb(1024);
#endif

class IntegrationTest : public testing::InvokerFixture {
 protected:
  void SetUp() override {
    listen();
    run_real();
    session_ = controller_->next_session();
    ASSERT_TRUE(session_);
  }

  void run_real() {
    auto driver = container::make_driver("process", {.pack_binary = GUST_PACK_PROGRAM,
                                                     .launcher_binary = GUST_LAUNCHER_PROGRAM,
                                                     .state_dir = (directory_.path() / "containers").string()});
    ASSERT_TRUE(driver) << driver.error().message;
    run(std::move(*driver));
  }

  /// Sends a worker object of tests/workers.
  void send_object(const std::string& name) {
    std::ifstream file(std::string(GUST_TEST_WORKERS) + "/" + name, std::ios::binary);
    code_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_FALSE(code_.empty()) << name;
    code_digest_ = sha256_hex(code_);
    session_->send(code_piece(code_digest_, code_, true));
  }

  /// Orders packs whose workers all have the same parameters.
  void order(const std::vector<std::uint32_t>& sizes, const std::string& params) {
    protocol::ControllerMessage message = start_packs(sizes, code_digest_);
    message.mutable_start_packs()->set_memory_bytes(kPackMemory.count());
    for (protocol::PackStart& pack : *message.mutable_start_packs()->mutable_packs()) {
      pack.clear_params();
      for (std::uint32_t& end : *pack.mutable_params_end()) {
        *pack.mutable_params() += params;
        end = static_cast<std::uint32_t>(pack.params().size());
      }
    }
    session_->send(message);
  }

  void order_misbehaviour(const std::vector<std::uint32_t>& sizes, const std::string& params) {
    send_object("misbehave.so");
    order(sizes, params);
  }

  /// The process id of a pack that has been reported as launched.
  pid_t pid_of(std::uint32_t pack) {
    while (!news_[pack].has_launched()) {
      const auto reports = session_->next_reports();
      if (!reports) return 0;
      for (const protocol::PackReport& report : reports->packs()) news_[report.pack_id()].MergeFrom(report);
    }
    return static_cast<pid_t>(news_[pack].launched().pid());
  }

  /// Every worker of every pack has run once and returned.
  void expect_all_finished(const std::vector<std::uint32_t>& sizes) {
    std::set<std::uint32_t> workers;
    for (std::uint32_t pack = 0; pack < sizes.size(); ++pack) {
      const auto report = end_of(pack);
      EXPECT_EQ(report.ended().cause(), protocol::PACK_CAUSE_FINISHED) << report.ended().message();
      EXPECT_EQ(report.started().worker_id_size(), static_cast<int>(sizes[pack]));
      ASSERT_EQ(report.finished().worker_id_size(), static_cast<int>(sizes[pack]));
      EXPECT_LE(report.launched().received_us(), report.launched().launched_us());
      for (int i = 0; i < report.finished().worker_id_size(); ++i) {
        const std::uint32_t worker = report.finished().worker_id(i);
        EXPECT_TRUE(workers.insert(worker).second) << worker;
        EXPECT_TRUE(report.finished().ok(i)) << report.finished().result(i);
        const auto result = parse_json(report.finished().result(i), "result");
        ASSERT_TRUE(result);
        EXPECT_EQ((*result)["worker_id"], worker);
        EXPECT_EQ((*result)["pack_id"], pack);
        EXPECT_EQ((*result)["params"]["key"], "value");
      }
    }
  }

  void run_who(const std::vector<std::uint32_t>& sizes) {
    send_object("who.so");
    order(sizes, R"({"key":"value"})");
    expect_all_finished(sizes);
  }
};

/// Waits until a process is gone; false when it stays.
bool gone_within(pid_t pid, std::chrono::milliseconds patience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (::kill(pid, 0) == 0) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_F(IntegrationTest, OnePackOfOne) { run_who({1}); }
TEST_F(IntegrationTest, SeveralPacksOfDifferentSizes) { run_who({1, 2, 3, 5, 8}); }
TEST_F(IntegrationTest, OnePackOf48) { run_who({48}); }
TEST_F(IntegrationTest, FortyEightPacksOfOne) { run_who(std::vector<std::uint32_t>(48, 1)); }

TEST_F(IntegrationTest, ACrashNamesTheWorker) {
  order_misbehaviour({4}, R"({"do":"fault","worker":2,"others":"wait"})");
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_WORKER_CRASHED);
  EXPECT_EQ(ended.worker_id(), 2U);
  EXPECT_EQ(ended.signal(), SIGSEGV);
  EXPECT_EQ(ended.message(), "worker 2 crashed with SIGSEGV (address 0x8)");
}

TEST_F(IntegrationTest, WhatWasPrintedBeforeACrashIsKept) {
  order_misbehaviour({1}, R"({"do":"print and fault"})");
  const auto report = end_of(0);
  EXPECT_EQ(report.ended().cause(), protocol::PACK_CAUSE_WORKER_CRASHED);
  ASSERT_GE(report.log_size(), 1);
  EXPECT_EQ(report.log(0).text(), "last words");
}

TEST_F(IntegrationTest, AnExitNamesTheWorker) {
  order_misbehaviour({3}, R"({"do":"exit","code":5,"worker":1,"others":"wait"})");
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_WORKER_EXITED);
  EXPECT_EQ(ended.worker_id(), 1U);
  EXPECT_EQ(ended.exit_code(), 5);
}

TEST_F(IntegrationTest, AnErrorIsAResult) {
  order_misbehaviour({1}, R"({"do":"throw"})");
  const auto report = end_of(0);
  EXPECT_EQ(report.ended().cause(), protocol::PACK_CAUSE_FINISHED);
  ASSERT_EQ(report.finished().ok_size(), 1);
  EXPECT_FALSE(report.finished().ok(0));
  EXPECT_EQ(report.finished().result(0), "the third shelf is empty");
}

TEST_F(IntegrationTest, CodeWithoutItsSymbolIsNotLoaded) {
  send_object("no_symbol.so");
  order({1}, "{}");
  const auto ended = end_of(0).ended();
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_LOAD_FAILED);
  EXPECT_NE(ended.message().find("gust_worker"), std::string::npos) << ended.message();
}

TEST_F(IntegrationTest, AKilledPackIsReportedWithinASecond) {
  order_misbehaviour({2, 2}, R"({"do":"wait"})");
  const pid_t pid = pid_of(1);
  ASSERT_GT(pid, 0);
  const auto before = std::chrono::steady_clock::now();
  ::kill(pid, SIGKILL);
  const auto ended = end_of(1).ended();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
  EXPECT_EQ(ended.cause(), protocol::PACK_CAUSE_KILLED);
  EXPECT_EQ(ended.signal(), SIGKILL);
  EXPECT_FALSE(news_[0].has_ended());
}

TEST_F(IntegrationTest, AStoppedFlareLeavesNoProcess) {
  order_misbehaviour({2, 2}, R"({"do":"wait"})");
  const std::vector<pid_t> pids = {pid_of(0), pid_of(1)};
  protocol::ControllerMessage stop;
  stop.mutable_stop_flare()->set_flare_id(kFlare);
  stop.mutable_stop_flare()->set_reason("cancelled");
  session_->send(stop);
  for (const std::uint32_t pack : {0U, 1U}) {
    EXPECT_EQ(end_of(pack).ended().cause(), protocol::PACK_CAUSE_STOPPED);
    EXPECT_TRUE(gone_within(pids[pack], 1s));
  }
}

TEST_F(IntegrationTest, PacksOfALostControllerAreGoneWithinASecondAndTheNextOneIsServed) {
  order_misbehaviour({2, 2}, R"({"do":"wait"})");
  const std::vector<pid_t> pids = {pid_of(0), pid_of(1)};
  controller_.reset();
  for (const pid_t pid : pids) EXPECT_TRUE(gone_within(pid, 1s));
  listen();
  session_ = controller_->next_session();
  ASSERT_TRUE(session_);
  news_.clear();
  run_who({2});
}

TEST_F(IntegrationTest, StopLeavesNoProcessAndNoFile) {
  order_misbehaviour({3}, R"({"do":"wait"})");
  const pid_t pid = pid_of(0);
  invoker_->stop();
  EXPECT_TRUE(outcome());
  EXPECT_TRUE(gone_within(pid, 1s));
  invoker_.reset();
  EXPECT_FALSE(std::filesystem::exists(config_.state_dir));
}

}  // namespace
}  // namespace gust::invoker
