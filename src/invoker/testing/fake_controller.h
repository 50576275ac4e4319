// A controller for tests: real connections, and it does what the test says.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "invoker/testing/inbox.h"
#include "protocol/control.pb.h"
#include "protocol/control/connection.h"
#include "protocol/control/listener.h"
#include "protocol/control/refusal.h"
#include "protocol/version.h"

namespace gust::invoker::testing {

/// An invoker's session, as its controller sees it. From any thread, but for begin() and close().
class FakeSession : public std::enable_shared_from_this<FakeSession> {
 public:
  using Admit = std::function<Result<void>(const protocol::Hello&)>;
  using Joined = std::function<void(std::shared_ptr<FakeSession>)>;

  FakeSession(boost::asio::io_context& io, Admit admit, protocol::ControllerMessage welcome, Joined joined)
      : io_(io), admit_(std::move(admit)), welcome_(std::move(welcome)), joined_(std::move(joined)) {}

  void begin(protocol::Socket socket) {
    connection_ = protocol::Connection::accept(
        std::move(socket), nullptr,
        {.message = [this](std::string_view bytes) { take(bytes); }, .ended = [](const Error& /*why*/) {}});
    connection_->allow(protocol::kMaxControlMessageBytes);
  }
  /// The test may keep the session for longer than the controller lives.
  void close() {
    connection_->close();
    connection_.reset();
  }

  [[nodiscard]] const protocol::Hello& hello() const { return hello_; }

  void send(protocol::ControllerMessage message) {
    boost::asio::post(io_,
                      [self = shared_from_this(), message = std::move(message)] { self->connection_->send(message); });
  }

  void end(const Error& reason) {
    boost::asio::post(io_, [self = shared_from_this(), reason] {
      self->connection_->send(protocol::refusal(reason));
      self->connection_->finish();
    });
  }

  /// The next message of the invoker.
  std::optional<protocol::Reports> next_reports(std::chrono::milliseconds patience = kPatience) {
    return reports_.take(patience);
  }

 private:
  void take(std::string_view bytes) {
    protocol::InvokerMessage message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
    if (message.has_reports()) reports_.put(std::move(*message.mutable_reports()));
    if (!message.has_hello()) return;
    hello_ = message.hello();
    if (const auto admitted = admit_(hello_); !admitted) return end(admitted.error());
    connection_->send(welcome_);  // at once: what the test sends comes after it
    joined_(shared_from_this());
  }

  boost::asio::io_context& io_;
  Admit admit_;
  protocol::ControllerMessage welcome_;
  Joined joined_;
  std::shared_ptr<protocol::Connection> connection_;
  protocol::Hello hello_;
  Inbox<protocol::Reports> reports_;
};

class FakeController {
 public:
  explicit FakeController(const std::string& address, const std::string& state_name = {}) {
    welcome_.mutable_welcome()->set_protocol_version(protocol::kProtocolVersion);
    welcome_.mutable_welcome()->set_invoker_id(7);
    welcome_.mutable_welcome()->set_state_name(state_name);
    auto listener = protocol::Listener::open(io_.get_executor(), address);
    EXPECT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    listener_->accept([this](protocol::Socket socket) {
      const std::lock_guard lock(mutex_);
      const auto joined = [this](std::shared_ptr<FakeSession> session) { joined_.put(std::move(session)); };
      sessions_.push_back(std::make_shared<FakeSession>(io_, admit_, welcome_, joined));
      sessions_.back()->begin(std::move(socket));
    });
    thread_ = std::thread([this] { io_.run(); });
  }
  ~FakeController() {
    boost::asio::post(io_, [this] {
      listener_.reset();
      for (const auto& session : sessions_) session->close();
      work_.reset();
    });
    thread_.join();
  }
  FakeController(const FakeController&) = delete;
  FakeController& operator=(const FakeController&) = delete;

  /// For those that come from now on.
  void admit(FakeSession::Admit admit) {
    const std::lock_guard lock(mutex_);
    admit_ = std::move(admit);
  }
  void welcome(protocol::ControllerMessage message) {
    const std::lock_guard lock(mutex_);
    welcome_ = std::move(message);
  }

  /// The next invoker that was admitted; nullptr when none comes.
  std::shared_ptr<FakeSession> next_session() { return joined_.take().value_or(nullptr); }

 private:
  boost::asio::io_context io_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_{io_.get_executor()};
  std::mutex mutex_;
  FakeSession::Admit admit_ = [](const protocol::Hello&) { return Result<void>(); };
  protocol::ControllerMessage welcome_;
  Inbox<std::shared_ptr<FakeSession>> joined_;
  std::vector<std::shared_ptr<FakeSession>> sessions_;  // on the thread
  std::unique_ptr<protocol::Listener> listener_;
  std::thread thread_;
};

}  // namespace gust::invoker::testing
