#include "invoker/control_stream.h"

#include <utility>

#include "protocol/control/refusal.h"
#include "protocol/version.h"

namespace gust::invoker {

Result<std::unique_ptr<ControlStream>> ControlStream::open(boost::asio::io_context& io, const std::string& target,
                                                           const std::optional<protocol::TlsIdentity>& identity,
                                                           ControlEvents events) {
  TlsContext tls;
  if (identity) tls = GUST_TRY(protocol::client_tls(*identity));
  std::unique_ptr<ControlStream> stream(new ControlStream(std::move(events)));
  stream->connection_ = protocol::Connection::connect(
      io.get_executor(), target, std::move(tls),
      {.message = [self = stream.get()](std::string_view bytes) { self->take(bytes); },
       .written = [events = stream->events_] { events->written(); },
       .ended = [events = stream->events_](const Error& error) { events->ended(error); }});
  stream->connection_->allow(protocol::kMaxControlMessageBytes);
  return stream;
}

ControlStream::~ControlStream() { connection_->close(); }

void ControlStream::write(const protocol::InvokerMessage& message) { connection_->send(message); }

void ControlStream::begin_heartbeat(std::chrono::milliseconds interval) {
  connection_->begin_heartbeat(interval);
  connection_->watch(interval * 5 / 3);
}

void ControlStream::take(std::string_view bytes) {
  const auto events = events_;
  protocol::ControllerMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return events->ended({ErrorCode::kUnavailable, "it sent a message that cannot be read"});
  }
  message.has_refused() ? events->ended(protocol::read_refusal(message.refused())) : events->message(message);
}

}  // namespace gust::invoker
