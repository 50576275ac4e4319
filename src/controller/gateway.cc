#include "controller/gateway.h"

#include <atomic>
#include <deque>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "protocol/control.grpc.pb.h"
#include "protocol/control/library.h"
#include "protocol/version.h"

namespace gust::controller {

namespace {

grpc::StatusCode status_code(CloseReason reason) {
  switch (reason) {
    case CloseReason::kVersionMismatch: return grpc::StatusCode::FAILED_PRECONDITION;
    case CloseReason::kDenied: return grpc::StatusCode::UNAUTHENTICATED;
    case CloseReason::kNameTaken: return grpc::StatusCode::ALREADY_EXISTS;
    case CloseReason::kProtocolError: return grpc::StatusCode::INVALID_ARGUMENT;
    case CloseReason::kShutDown: return grpc::StatusCode::UNAVAILABLE;
  }
  return grpc::StatusCode::UNKNOWN;
}

using Service = protocol::Control::AsyncService;

class InvokerStream;

// What the gateway's thread finds in the completion queue.
struct Completion {
  enum class Of : std::uint8_t { kOpen, kRead, kWrite, kFinish, kDone };
  InvokerStream* stream;
  Of of;
};

// One stream. Completions come on the gateway's thread, one at a time; anybody calls send() and close(). Finish is
// begun exactly once, never while a write is under way. The stream lives until its last completion has come.
class InvokerStream final : public InvokerLink {
 public:
  explicit InvokerStream(const GatewayEvents& events) : events_(events) {}

  // Waits for a client; its completion is kOpen.
  static void expect(const GatewayEvents& events, Service& service, grpc::ServerCompletionQueue& queue) {
    auto stream = std::make_shared<InvokerStream>(events);
    stream->self_ = stream;
    stream->context_.AsyncNotifyWhenDone(&stream->done_);
    service.RequestSession(&stream->context_, &stream->calls_, &queue, &queue, &stream->open_);
  }

  void send(MessagePtr message) override {
    const MutexLock lock(mutex_);
    if (closing_) return;
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1) write_next();
  }

  void close(CloseReason reason, const std::string& sentence) override {
    begin_close(grpc::Status(status_code(reason), sentence));
  }

  void opened() { calls_.Read(&incoming_, &read_); }

  // The server is shut down: no client will come.
  void never_opened() { self_.reset(); }

  // Tells whether it was the stream's last completion; then the stream is gone.
  bool complete(Completion::Of of, bool ok) {
    switch (of) {
      case Completion::Of::kRead:
        if (ok) {
          read_done();
          return false;
        }
        begin_close(grpc::Status::OK);
        break;
      case Completion::Of::kWrite: write_done(ok); break;
      case Completion::Of::kDone: begin_close(grpc::Status::CANCELLED); break;
      case Completion::Of::kFinish:
      case Completion::Of::kOpen: break;
    }
    if (--under_way_ > 0) return false;
    events_.lost(self_);
    self_.reset();
    return true;
  }

 private:
  void read_done() {
    protocol::InvokerMessage message;
    message.Swap(&incoming_);
    calls_.Read(&incoming_, &read_);
    deliver(message);
  }

  void write_done(bool ok) {
    const MutexLock lock(mutex_);
    outgoing_.pop_front();
    if (!ok && !closing_) {
      closing_ = true;
      status_ = grpc::Status::OK;
    }
    if (closing_) {
      outgoing_.clear();
      finish();
    } else if (!outgoing_.empty()) {
      write_next();
    }
  }

  void deliver(protocol::InvokerMessage& message) {
    if (message.has_hello() == greeted_) {
      return close(CloseReason::kProtocolError, greeted_ ? "hello came twice" : "the first message must be hello");
    }
    if (message.has_hello()) {
      greeted_ = true;
      events_.hello(self_, std::move(*message.mutable_hello()));
    } else if (message.has_reports()) {
      events_.reports(self_, std::unique_ptr<protocol::Reports>(message.release_reports()));
    }
  }

  void begin_close(grpc::Status status) {
    const MutexLock lock(mutex_);
    if (closing_) return;
    closing_ = true;
    status_ = std::move(status);
    if (outgoing_.empty()) finish();
  }

  void write_next() GUST_REQUIRES(mutex_) {
    ++under_way_;
    calls_.Write(*outgoing_.front(), &write_);
  }

  void finish() GUST_REQUIRES(mutex_) {
    ++under_way_;
    calls_.Finish(status_, &finish_);
  }

  const GatewayEvents& events_;
  std::shared_ptr<InvokerStream> self_;  // until the last completion
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<protocol::ControllerMessage, protocol::InvokerMessage> calls_{&context_};
  Completion open_{this, Completion::Of::kOpen};
  Completion read_{this, Completion::Of::kRead};
  Completion write_{this, Completion::Of::kWrite};
  Completion finish_{this, Completion::Of::kFinish};
  Completion done_{this, Completion::Of::kDone};
  protocol::InvokerMessage incoming_;
  bool greeted_ = false;
  std::atomic<int> under_way_ = 2;  // completions that are still to come: reading's and the call's, at first

  Mutex mutex_;
  std::deque<MessagePtr> outgoing_ GUST_GUARDED_BY(mutex_);  // the front is being written
  bool closing_ GUST_GUARDED_BY(mutex_) = false;
  grpc::Status status_ GUST_GUARDED_BY(mutex_);
};

// One thread of our own takes all completions: the library's callback interface keeps two at the least, which hand each
// event over to one another, and that cost more than the events.
class GrpcGateway final : public Gateway {
 public:
  explicit GrpcGateway(GatewayEvents events) : events_(std::move(events)) {}
  ~GrpcGateway() override { GrpcGateway::shut_down(); }

  Result<void> start(const std::string& address, std::chrono::milliseconds silence) {
    grpc::ServerBuilder builder;
    const int silence_ms = static_cast<int>(silence.count());
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, silence_ms * 2 / 3);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, silence_ms / 3);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, protocol::kControlWindowBytes);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(protocol::kMaxControlMessageBytes);
    int port = 0;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    const bool is_unix = address.starts_with("unix:");
    if (!server_ || (!is_unix && port == 0)) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("cannot listen for invokers on {}; is the address in use? choose another with "
                              "--invoker-listen",
                              address));
    }
    address_ = is_unix ? address : fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
    expect_stream();
    thread_ = std::thread([this] { run(); });
    return {};
  }

  [[nodiscard]] std::string address() const override { return address_; }

  void shut_down() override {
    if (!queue_) return;
    if (server_) server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    // A stream that is still there may begin operations on the queue.
    for (std::size_t left = streams_; left > 0; left = streams_) streams_.wait(left);
    queue_->Shutdown();
    if (thread_.joinable()) {
      thread_.join();
    } else {
      run();
    }
    server_.reset();
    queue_.reset();
  }

 private:
  void expect_stream() {
    ++streams_;
    InvokerStream::expect(events_, service_, *queue_);
  }

  void run() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) {
      const Completion& completion = *static_cast<Completion*>(tag);
      InvokerStream& stream = *completion.stream;
      bool gone = false;
      if (completion.of != Completion::Of::kOpen) {
        gone = stream.complete(completion.of, ok);
      } else if (ok) {
        expect_stream();
        stream.opened();
      } else {
        stream.never_opened();
        gone = true;
      }
      if (gone && --streams_ == 0) streams_.notify_all();
    }
  }

  GatewayEvents events_;
  Service service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::atomic<std::size_t> streams_ = 0;  // open ones, and the one that waits for a client
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::listen(const std::string& address, std::chrono::milliseconds silence,
                                                 GatewayEvents events) {
  protocol::init_grpc();
  auto gateway = std::make_unique<GrpcGateway>(std::move(events));
  GUST_TRY_VOID(gateway->start(address, silence));
  return gateway;
}

}  // namespace gust::controller
