// A client of a controller's that waits for what comes, on a thread of its own. For tests.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "protocol/control.pb.h"
#include "protocol/control/connection.h"

namespace gust::protocol::testing {

/// From any thread.
class BlockingClient {
 public:
  explicit BlockingClient(const std::string& address, TlsContext tls = nullptr)
      : connection_(Connection::connect(io_.get_executor(), address, std::move(tls),
                                        {.message = [this](std::string_view bytes) { take(bytes); },
                                         .ended = [this](const Error& error) { end(error); }})),
        thread_([this] { io_.run(); }) {
    boost::asio::post(io_, [this] { connection_->begin_heartbeat(std::chrono::milliseconds(50)); });
  }
  ~BlockingClient() {
    close();
    work_.reset();
    thread_.join();
  }
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  void send(InvokerMessage message) {
    boost::asio::post(io_, [this, message = std::move(message)] { connection_->send(message); });
  }

  /// The next message; nothing at the end, which end_reason() then tells.
  std::optional<ControllerMessage> read() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !messages_.empty() || ended_; });
    if (messages_.empty()) return std::nullopt;
    ControllerMessage message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

  /// Absent while the connection stands.
  std::optional<Error> end_reason() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

  void close() {
    boost::asio::post(io_, [this] {
      connection_->close();
      end({ErrorCode::kCancelled, "closed by the test"});
    });
  }

 private:
  void take(std::string_view bytes) {
    ControllerMessage message;
    const bool is_read = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    const std::lock_guard lock(mutex_);
    if (is_read) messages_.push_back(std::move(message));
    changed_.notify_all();
  }

  void end(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_ = error;
    changed_.notify_all();
  }

  boost::asio::io_context io_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_{io_.get_executor()};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ControllerMessage> messages_;
  std::optional<Error> ended_;
  std::shared_ptr<Connection> connection_;
  std::thread thread_;
};

}  // namespace gust::protocol::testing
