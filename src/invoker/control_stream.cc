#include "invoker/control_stream.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <deque>
#include <grpcpp/grpcpp.h>
#include <thread>
#include <utility>

#include "invoker/channel.h"
#include "protocol/control.grpc.pb.h"
#include "protocol/control/library.h"

namespace gust::invoker {

// Operations begin on the io_context's thread only, so that none can begin on a stream that is being finished. One
// thread of our own takes their completions and posts them. The library's callback interface would not do: its threads
// sleep for 100 ms after every second without an event, and what arrives meanwhile waits.
class ControlStream::Calls {
 public:
  Calls(boost::asio::io_context& io, const std::shared_ptr<grpc::Channel>& channel, std::weak_ptr<ControlEvents> events)
      : io_(io), events_(std::move(events)), stub_(protocol::Control::NewStub(channel)) {
    session_ = stub_->PrepareAsyncSession(&context_, &completions_);
    ++under_way_;
    session_->StartCall(tag(Operation::kStart));
    thread_ = std::thread([this] { run(); });
  }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  // Cancels, and waits until the library has let go of everything.
  ~Calls() {
    context_.TryCancel();
    finish();
    for (int left = under_way_; left != 0; left = under_way_) under_way_.wait(left);
    completions_.Shutdown();
    thread_.join();
  }

  void write(std::shared_ptr<const protocol::InvokerMessage> message) {
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) write_next();
  }

 private:
  enum class Operation : std::uintptr_t { kStart = 1, kRead, kWrite, kFinish };
  static void* tag(Operation operation) { return reinterpret_cast<void*>(operation); }

  void run() {
    void* completed = nullptr;
    bool ok = false;
    while (completions_.Next(&completed, &ok)) {
      complete(static_cast<Operation>(reinterpret_cast<std::uintptr_t>(completed)), ok);
      if (--under_way_ == 0) under_way_.notify_all();
    }
  }

  void complete(Operation operation, bool ok) {
    switch (operation) {
      case Operation::kStart:
        post([this, ok](const ControlEvents& /*events*/) {
          if (!ok) return finish();
          started_ = true;
          read_next();
          write_next();
        });
        break;
      case Operation::kRead:
        post([this, ok, message = std::move(incoming_)](const ControlEvents& events) {
          if (!ok) return finish();
          // Afterwards, if there still is a stream then: to read is to write an update of its window first.
          post([this](const ControlEvents& /*events*/) { read_next(); });
          events.message(*message);
        });
        break;
      case Operation::kWrite:
        if (!ok) break;  // the read side learns of the end, too
        post([this](const ControlEvents& events) {
          queue_.pop_front();
          write_next();
          events.written();
        });
        break;
      case Operation::kFinish:
        post([error = to_error(status_)](const ControlEvents& events) { events.ended(error); });
        break;
    }
  }

  // `action` runs on the io_context's thread, if the stream still exists then.
  template <class Action>
  void post(Action action) {
    boost::asio::post(io_, [events = events_, action = std::move(action)]() mutable {
      if (const auto alive = events.lock()) action(*alive);
    });
  }

  void read_next() {
    if (finishing_) return;
    incoming_ = std::make_unique<protocol::ControllerMessage>();
    ++under_way_;
    session_->Read(incoming_.get(), tag(Operation::kRead));
  }

  void write_next() {
    if (queue_.empty() || !started_ || finishing_) return;
    ++under_way_;
    session_->Write(*queue_.front(), tag(Operation::kWrite));
  }

  void finish() {
    if (std::exchange(finishing_, true)) return;
    ++under_way_;
    session_->Finish(&status_, tag(Operation::kFinish));
  }

  boost::asio::io_context& io_;
  std::weak_ptr<ControlEvents> events_;
  std::unique_ptr<protocol::Control::Stub> stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue completions_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<protocol::InvokerMessage, protocol::ControllerMessage>> session_;
  std::unique_ptr<protocol::ControllerMessage> incoming_;
  std::deque<std::shared_ptr<const protocol::InvokerMessage>> queue_;  // the first is on its way, once it has started
  grpc::Status status_;
  bool started_ = false;
  bool finishing_ = false;
  std::atomic<int> under_way_ = 0;  // operations that have begun and not completed
  std::thread thread_;
};

ControlStream::ControlStream(boost::asio::io_context& io, const std::string& target,
                             const std::optional<protocol::TlsIdentity>& identity, ControlEvents events)
    : events_(std::make_shared<ControlEvents>(std::move(events))) {
  protocol::init_grpc();
  const auto credentials = identity ? protocol::tls_channel_credentials(*identity) : grpc::InsecureChannelCredentials();
  calls_ = std::make_unique<Calls>(io, open_channel(target, credentials), events_);
}

ControlStream::~ControlStream() {
  events_.reset();  // what is still posted finds nobody
  calls_.reset();
}

void ControlStream::write(std::shared_ptr<const protocol::InvokerMessage> message) {
  calls_->write(std::move(message));
}

}  // namespace gust::invoker
