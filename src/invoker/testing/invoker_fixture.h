// An invoker on a thread of its own, between a fake controller and a driver.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/testing/test_folder.h"
#include "invoker/invoker.h"
#include "invoker/testing/fake_controller.h"
#include "invoker/testing/fake_driver.h"

namespace gust::invoker::testing {

inline const std::string kFlare(32, 'f');

/// An order for packs of the given sizes, one after the other.
inline protocol::ControllerMessage start_packs(const std::vector<std::uint32_t>& sizes, const std::string& digest) {
  protocol::ControllerMessage message;
  protocol::StartPacks& order = *message.mutable_start_packs();
  order.set_flare_id(kFlare);
  order.set_namespace_name("guest");
  order.set_action_name("/guest/hello");
  order.set_action_version("0.0.1");
  order.set_kind("cpp:1");
  order.set_code_digest(digest);
  order.set_memory_bytes(Bytes::mb(256).count());
  order.set_log_bytes(Bytes::mb(1).count());
  order.set_chunk_bytes(Bytes::mb(1).count());
  order.set_deadline_us(to_micros(wall_now()) + 60'000'000);
  std::uint32_t first = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    order.add_pack_first_worker(first);
    protocol::PackStart& pack = *order.add_packs();
    pack.set_pack_id(static_cast<std::uint32_t>(i));
    pack.set_activation_id(std::string(32, 'a'));
    pack.set_first_worker(first);
    pack.set_worker_count(sizes[i]);
    for (std::uint32_t worker = 0; worker < sizes[i]; ++worker) {
      *pack.mutable_params() += "{}";
      pack.add_params_end(static_cast<std::uint32_t>(pack.params().size()));
    }
    first += sizes[i];
  }
  order.set_burst_size(first);
  return message;
}

inline protocol::ControllerMessage code_piece(const std::string& digest, const std::string& piece, bool last) {
  protocol::ControllerMessage message;
  message.mutable_code()->set_digest(digest);
  message.mutable_code()->set_piece(piece);
  message.mutable_code()->set_last(last);
  return message;
}

class InvokerFixture : public ::testing::Test {
 public:
  ~InvokerFixture() override { stop(); }

 protected:
  InvokerFixture() {
    config_.controller = "unix:" + (directory_.path() / "controller").string();
    config_.name = "node-1";
    config_.slots = 48;
    config_.memory = Bytes::mb(4096);
    config_.state_dir = directory_.path() / "state";
  }

  void listen() { controller_ = std::make_unique<FakeController>(config_.controller); }

  void run(std::unique_ptr<container::Driver> driver) {
    auto created = Invoker::create(config_, std::move(driver));
    ASSERT_TRUE(created) << created.error().message;
    invoker_ = std::move(*created);
    outcome_ = std::async(std::launch::async, [this] { return invoker_->run(Signals::kIgnore); });
  }
  void run() { run(std::make_unique<FakeDriver>(containers_)); }

  /// Listens, runs, and waits until the invoker has joined.
  void join() {
    listen();
    run();
    session_ = controller_->next_session();
    ASSERT_TRUE(session_);
  }

  /// Sends the code that start_packs(…, code_digest_) needs.
  void send_code() { session_->send(code_piece(code_digest_, code_, true)); }

  /// Orders packs of the given sizes and returns their fakes.
  std::vector<std::unique_ptr<FakePack>> start(const std::vector<std::uint32_t>& sizes) {
    send_code();
    session_->send(start_packs(sizes, code_digest_));
    std::vector<std::unique_ptr<FakePack>> packs;
    for (std::size_t i = 0; i < sizes.size(); ++i) packs.push_back(containers_->next());
    return packs;
  }

  /// What run() returned; an error of the test's when it does not return.
  Result<void> outcome() {
    if (outcome_.wait_for(kPatience) != std::future_status::ready) return fail(ErrorCode::kUnknown, "still running");
    return outcome_.get();
  }

  void stop() {
    if (!invoker_) return;
    invoker_->stop();
    if (outcome_.valid()) outcome_.wait();
    invoker_.reset();
  }

  /// Reads reports until `pack` has ended; what was said of it on the way is merged. Without an end when none comes.
  protocol::PackReport end_of(std::uint32_t pack) {
    while (!news_[pack].has_ended()) {
      const auto reports = session_->next_reports();
      if (!reports) break;
      for (const protocol::PackReport& report : reports->packs()) news_[report.pack_id()].MergeFrom(report);
    }
    return news_[pack];
  }

  TestFolder directory_;
  InvokerConfig config_;
  std::string code_ = "not really a shared object";
  std::string code_digest_ = sha256_hex(code_);
  std::unique_ptr<FakeController> controller_;
  std::shared_ptr<FakeContainers> containers_ = std::make_shared<FakeContainers>();
  std::unique_ptr<Invoker> invoker_;
  std::shared_ptr<FakeSession> session_;
  std::map<std::uint32_t, protocol::PackReport> news_;

 private:
  std::future<Result<void>> outcome_;
};

}  // namespace gust::invoker::testing
