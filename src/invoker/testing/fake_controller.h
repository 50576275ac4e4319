// A controller for tests: a real gRPC server that does what the test says.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "invoker/testing/inbox.h"
#include "protocol/control.grpc.pb.h"
#include "protocol/version.h"

namespace gust::invoker::testing {

/// An invoker's stream, as its controller sees it. From any thread.
class FakeSession : public grpc::ServerBidiReactor<protocol::InvokerMessage, protocol::ControllerMessage> {
 public:
  using Admit = std::function<grpc::Status(const protocol::Hello&)>;

  FakeSession(Admit admit, protocol::ControllerMessage welcome,
              std::function<void(std::shared_ptr<FakeSession>)> joined)
      : admit_(std::move(admit)), welcome_(std::move(welcome)), joined_(std::move(joined)) {}

  void begin(std::shared_ptr<FakeSession> self) {
    self_ = std::move(self);
    StartRead(&incoming_);
  }

  [[nodiscard]] const protocol::Hello& hello() const { return hello_; }

  void send(protocol::ControllerMessage message) {
    const std::lock_guard lock(mutex_);
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1 && !finished_) StartWrite(&outgoing_.front());
  }

  void end(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(finished_, true)) Finish(status);
  }

  /// The next message of the invoker.
  std::optional<protocol::Reports> next_reports(std::chrono::milliseconds patience = kPatience) {
    return reports_.take(patience);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return end(grpc::Status::CANCELLED);
    if (incoming_.has_hello()) {
      hello_ = incoming_.hello();
      if (const grpc::Status status = admit_(hello_); !status.ok()) return end(status);
      send(welcome_);
      joined_(self_);
    } else {
      reports_.put(std::move(*incoming_.mutable_reports()));
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    outgoing_.pop_front();
    if (ok && !outgoing_.empty() && !finished_) StartWrite(&outgoing_.front());
  }

  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override { const auto last = std::move(self_); }

 private:
  Admit admit_;
  protocol::ControllerMessage welcome_;
  std::function<void(std::shared_ptr<FakeSession>)> joined_;
  std::shared_ptr<FakeSession> self_;
  protocol::InvokerMessage incoming_;
  protocol::Hello hello_;
  Inbox<protocol::Reports> reports_;
  std::mutex mutex_;
  std::deque<protocol::ControllerMessage> outgoing_;
  bool finished_ = false;
};

class FakeController : private protocol::Control::CallbackService {
 public:
  explicit FakeController(const std::string& address) {
    welcome_.mutable_welcome()->set_protocol_version(protocol::kProtocolVersion);
    welcome_.mutable_welcome()->set_invoker_id(7);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.SetMaxReceiveMessageSize(protocol::kMaxControlMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeController() override { server_->Shutdown(std::chrono::system_clock::now()); }

  /// Before the first invoker comes.
  void admit(FakeSession::Admit admit) { admit_ = std::move(admit); }
  void welcome(protocol::ControllerMessage message) { welcome_ = std::move(message); }

  /// The next invoker that was admitted; nullptr when none comes.
  std::shared_ptr<FakeSession> next_session() { return sessions_.take().value_or(nullptr); }

 private:
  grpc::ServerBidiReactor<protocol::InvokerMessage, protocol::ControllerMessage>* Session(
      grpc::CallbackServerContext* /*context*/) override {
    auto session = std::make_shared<FakeSession>(
        admit_, welcome_, [this](std::shared_ptr<FakeSession> joined) { sessions_.put(std::move(joined)); });
    session->begin(session);
    return session.get();
  }

  FakeSession::Admit admit_ = [](const protocol::Hello&) { return grpc::Status::OK; };
  protocol::ControllerMessage welcome_;
  Inbox<std::shared_ptr<FakeSession>> sessions_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace gust::invoker::testing
