#include "invoker/control_stream.h"

#include <boost/asio/post.hpp>
#include <string_view>
#include <utility>

#include "base/priority.h"
#include "protocol/control/refusal.h"
#include "protocol/version.h"

namespace gust::invoker {

namespace {

/// Hands events over to the invoker's thread, if the stream still exists then.
class HandOver {
 public:
  HandOver(boost::asio::io_context& io, std::weak_ptr<ControlEvents> events) : io_(io), events_(std::move(events)) {}

  void message(std::string_view bytes) const {
    auto message = std::make_shared<protocol::ControllerMessage>();
    if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return ended({ErrorCode::kUnavailable, "it sent a message that cannot be read"});
    }
    if (message->has_refused()) return ended(protocol::read_refusal(message->refused()));
    post([message = std::move(message)](const ControlEvents& events) { events.message(*message); });
  }
  void written() const {
    post([](const ControlEvents& events) { events.written(); });
  }
  void ended(const Error& error) const {
    post([error](const ControlEvents& events) { events.ended(error); });
  }

 private:
  template <class Action>
  void post(Action action) const {
    boost::asio::post(io_, [events = events_, action = std::move(action)] {
      if (const auto alive = events.lock()) action(*alive);
    });
  }

  boost::asio::io_context& io_;
  std::weak_ptr<ControlEvents> events_;
};

}  // namespace

LinkThread::LinkThread()
    : work_(boost::asio::make_work_guard(io_)), thread_([this] {
        run_ahead_of_others();
        io_.run();
      }) {}

LinkThread::~LinkThread() {
  io_.stop();
  thread_.join();
}

template <class Action>
void ControlStream::post(Action action) {
  boost::asio::post(link_.io(), [far = far_, action = std::move(action)]() mutable { action(*far); });
}

Result<std::unique_ptr<ControlStream>> ControlStream::open(boost::asio::io_context& io, LinkThread& link,
                                                           const std::string& target,
                                                           const std::optional<protocol::TlsIdentity>& identity,
                                                           ControlEvents events) {
  TlsContext tls;
  if (identity) tls = GUST_TRY(protocol::client_tls(*identity));
  std::unique_ptr<ControlStream> stream(new ControlStream(link, std::move(events)));
  const HandOver over(io, stream->events_);
  stream->post([executor = link.io().get_executor(), target, tls = std::move(tls), over](Far& far) {
    far.connection = protocol::Connection::connect(executor, target, tls,
                                                   {.message = [over](std::string_view bytes) { over.message(bytes); },
                                                    .written = [over] { over.written(); },
                                                    .ended = [over](const Error& error) { over.ended(error); }});
    far.connection->allow(protocol::kMaxControlMessageBytes);
  });
  return stream;
}

ControlStream::~ControlStream() {
  post([](Far& far) {
    far.connection->close();
    far.connection.reset();
  });
}

void ControlStream::write(std::shared_ptr<const protocol::InvokerMessage> message) {
  post([message = std::move(message)](Far& far) { far.connection->send(*message); });
}

void ControlStream::begin_heartbeat(std::chrono::milliseconds interval) {
  post([interval](Far& far) {
    far.connection->begin_heartbeat(interval);
    far.connection->watch(interval * 5 / 2);
  });
}

}  // namespace gust::invoker
