// The gateway's streams.
#include <utility>

#include "base/mutex.h"
#include "controller/gateway_call.h"
#include "controller/link_queue.h"

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

// One stream. Completions come on the gateway's thread, one at a time; anybody calls send() and close(). Finish is
// begun exactly once, never while a write is under way. The stream lives until its last completion has come.
class InvokerStream final : public InvokerLink, public GatewayCall {
 public:
  explicit InvokerStream(GatewayCalls& calls) : calls_(calls) {}

  // Waits for a client; its completion is kOpen.
  static void expect(GatewayCalls& calls) {
    ++calls.count;
    auto stream = std::make_shared<InvokerStream>(calls);
    stream->self_ = stream;
    stream->context_.AsyncNotifyWhenDone(&stream->done_);
    calls.service.RequestSession(&stream->context_, &stream->stream_, calls.queue.get(), calls.queue.get(),
                                 &stream->open_);
  }

  void send(MessagePtr message) override {
    const MutexLock lock(mutex_);
    if (closing_) return;
    outgoing_.push(std::move(message));
    if (!writing_) write_next();
  }

  void close(CloseReason reason, const std::string& sentence) override {
    begin_close(grpc::Status(status_code(reason), sentence));
  }

  [[nodiscard]] const std::optional<protocol::PeerCertificate>& peer() const override { return peer_; }

  void opened() override {
    expect(calls_);
    peer_ = protocol::peer_certificate(context_);
    stream_.Read(&incoming_, &read_);
  }

  void never_opened() override { self_.reset(); }

  bool complete(Completion::Of of, bool ok) override {
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
    calls_.events.lost(self_);
    self_.reset();
    return true;
  }

 private:
  void read_done() {
    protocol::InvokerMessage message;
    message.Swap(&incoming_);
    stream_.Read(&incoming_, &read_);
    deliver(message);
  }

  void write_done(bool ok) {
    const MutexLock lock(mutex_);
    writing_.reset();
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
      calls_.events.hello(self_, std::move(*message.mutable_hello()));
    } else if (message.has_reports()) {
      calls_.events.reports(self_, std::unique_ptr<protocol::Reports>(message.release_reports()));
    } else if (message.has_leaving()) {
      calls_.events.leaving(self_);
    }
  }

  void begin_close(grpc::Status status) {
    const MutexLock lock(mutex_);
    if (closing_) return;
    closing_ = true;
    status_ = std::move(status);
    if (!writing_) finish();
  }

  void write_next() GUST_REQUIRES(mutex_) {
    ++under_way_;
    writing_ = outgoing_.pop();
    stream_.Write(*writing_, &write_);
  }

  void finish() GUST_REQUIRES(mutex_) {
    ++under_way_;
    stream_.Finish(status_, &finish_);
  }

  GatewayCalls& calls_;
  std::shared_ptr<InvokerStream> self_;  // until the last completion
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<protocol::ControllerMessage, protocol::InvokerMessage> stream_{&context_};
  Completion open_{this, Completion::Of::kOpen};
  Completion read_{this, Completion::Of::kRead};
  Completion write_{this, Completion::Of::kWrite};
  Completion finish_{this, Completion::Of::kFinish};
  Completion done_{this, Completion::Of::kDone};
  std::optional<protocol::PeerCertificate> peer_;  // set before anybody has the link
  protocol::InvokerMessage incoming_;
  bool greeted_ = false;
  std::atomic<int> under_way_ = 2;  // completions that are still to come: reading's and the call's, at first

  Mutex mutex_;
  LinkQueue outgoing_ GUST_GUARDED_BY(mutex_);
  MessagePtr writing_ GUST_GUARDED_BY(mutex_);  // or null
  bool closing_ GUST_GUARDED_BY(mutex_) = false;
  grpc::Status status_ GUST_GUARDED_BY(mutex_);
};

}  // namespace

void expect_session(GatewayCalls& calls) { InvokerStream::expect(calls); }

}  // namespace gust::controller
