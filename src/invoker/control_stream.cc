#include "invoker/control_stream.h"

#include <boost/asio/post.hpp>
#include <deque>
#include <future>
#include <grpcpp/grpcpp.h>
#include <utility>

#include "protocol/control.grpc.pb.h"
#include "protocol/control/library.h"
#include "protocol/version.h"

namespace gust::invoker {

namespace {

std::shared_ptr<grpc::Channel> open_channel(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(protocol::kMaxControlMessageBytes);
  arguments.SetMaxSendMessageSize(protocol::kMaxControlMessageBytes);
  // A controller that does not answer a ping is noticed within 2.5 s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 1'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 1'500);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The caller decides when to try again: no connection, and no back-off, is shared with earlier attempts.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, protocol::kControlWindowBytes);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

Error to_error(const grpc::Status& status) {
  const std::string& said = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::OK: return {ErrorCode::kUnavailable, "the controller has ended the session"};
    case grpc::StatusCode::FAILED_PRECONDITION: return {ErrorCode::kVersionMismatch, said};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ErrorCode::kVersionMismatch, "what listens there is not a Gust controller of this version: " + said};
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED: return {ErrorCode::kDenied, said};
    case grpc::StatusCode::ALREADY_EXISTS: return {ErrorCode::kExists, said};
    case grpc::StatusCode::INVALID_ARGUMENT: return {ErrorCode::kInvalid, said};
    default: return {ErrorCode::kUnavailable, said};
  }
}

}  // namespace

// Its reactions run on gRPC's threads and only post. The stream's hold is removed on the io_context's thread, so that
// no operation can begin on a stream that gRPC has finished with.
class ControlStream::Reactor final
    : public grpc::ClientBidiReactor<protocol::InvokerMessage, protocol::ControllerMessage> {
 public:
  Reactor(boost::asio::io_context& io, const std::string& target, std::weak_ptr<ControlEvents> events)
      : io_(io), events_(std::move(events)), stub_(protocol::Control::NewStub(open_channel(target))) {
    stub_->async()->Session(&context_, this);
    AddHold();
    read_next();
    StartCall();
  }

  // Cancels, and waits until gRPC calls no more.
  void close() {
    context_.TryCancel();
    let_go();
    done_->get_future().wait();
  }

  void write(std::unique_ptr<protocol::InvokerMessage> message) {
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) write_next();
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      post([this, message = std::move(incoming_)](const ControlEvents& events) {
        read_next();  // in flight while this one is being handled
        events.message(*message);
      });
    } else {
      post([this](const ControlEvents& /*events*/) { let_go(); });
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;  // the read side learns of the end, too
    post([this](const ControlEvents& events) {
      queue_.pop_front();
      write_next();
      events.written();
    });
  }

  void OnDone(const grpc::Status& status) override {
    post([error = to_error(status)](const ControlEvents& events) { events.ended(error); });
    const auto done = done_;  // the reactor goes as soon as the other thread sees the value
    done->set_value();
  }

 private:
  // `action` runs on the io_context's thread, if the stream still exists then.
  template <class Action>
  void post(Action action) {
    boost::asio::post(io_, [events = events_, action = std::move(action)]() mutable {
      if (const auto alive = events.lock()) action(*alive);
    });
  }

  void read_next() {
    incoming_ = std::make_unique<protocol::ControllerMessage>();
    StartRead(incoming_.get());
  }

  void write_next() {
    if (!queue_.empty() && !released_) StartWrite(queue_.front().get());
  }

  void let_go() {
    if (!std::exchange(released_, true)) RemoveHold();
  }

  boost::asio::io_context& io_;
  std::weak_ptr<ControlEvents> events_;
  std::unique_ptr<protocol::Control::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<protocol::ControllerMessage> incoming_;
  std::deque<std::unique_ptr<protocol::InvokerMessage>> queue_;  // the first is on its way
  bool released_ = false;                                        // only on the io_context's thread
  std::shared_ptr<std::promise<void>> done_ = std::make_shared<std::promise<void>>();
};

ControlStream::ControlStream(boost::asio::io_context& io, const std::string& target, ControlEvents events)
    : events_(std::make_shared<ControlEvents>(std::move(events))) {
  protocol::init_grpc();
  reactor_ = std::make_unique<Reactor>(io, target, events_);
}

ControlStream::~ControlStream() {
  events_.reset();  // what is still posted finds nobody
  reactor_->close();
}

void ControlStream::write(std::unique_ptr<protocol::InvokerMessage> message) { reactor_->write(std::move(message)); }

}  // namespace gust::invoker
