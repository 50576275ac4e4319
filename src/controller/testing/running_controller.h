// A controller on a thread of its own, that can be started again.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "controller/controller.h"

namespace gust::controller {

class RunningController {
 public:
  RunningController() = default;
  RunningController(const RunningController&) = delete;
  RunningController& operator=(const RunningController&) = delete;
  ~RunningController() { kill(); }

  void start(ControllerOptions options, const store::Stores& stores) {
    io_ = std::make_unique<boost::asio::io_context>();
    work_.emplace(io_->get_executor());
    auto created = Controller::create(*io_, std::move(options), stores);
    ASSERT_TRUE(created) << created.error().message;
    controller_ = std::move(*created);
    thread_ = std::thread([this] { io_->run(); });
  }

  /// As SIGKILL would: nothing is told to anybody.
  void kill() {
    if (!controller_) return;
    io_->stop();
    thread_.join();
    controller_.reset();
    work_.reset();
    io_.reset();
  }

  Controller* operator->() const { return controller_.get(); }

 private:
  std::unique_ptr<boost::asio::io_context> io_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::unique_ptr<Controller> controller_;
  std::thread thread_;
};

}  // namespace gust::controller
