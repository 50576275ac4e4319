#include "controller/invoker_stream.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "controller/join_calls.h"
#include "protocol/control/refusal.h"
#include "protocol/version.h"

namespace gust::controller {

void InvokerStream::begin(protocol::Socket socket, TlsContext tls, std::function<void()> over) {
  over_ = std::move(over);
  connection_ = protocol::Connection::accept(std::move(socket), std::move(tls),
                                             {.message = [this](std::string_view bytes) { take(bytes); },
                                              .written = [this] { written(); },
                                              .ended = [this](const Error& /*why*/) { ended(); }});
}

void InvokerStream::send(MessagePtr message) {
  boost::asio::post(io_, [self = shared_from_this(), message = std::move(message)]() mutable {
    if (self->closing_) return;
    self->outgoing_.push(std::move(message));
    if (!self->writing_) self->write_next();
  });
}

void InvokerStream::close(const Error& reason) {
  boost::asio::post(io_, [self = shared_from_this(), reason] { self->refuse(reason); });
}

void InvokerStream::refuse(const Error& reason) {
  if (std::exchange(closing_, true)) return;
  outgoing_.clear();
  connection_->send(protocol::refusal(reason));
  connection_->finish();
}

void InvokerStream::take(std::string_view bytes) {
  protocol::InvokerMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return refuse({ErrorCode::kInvalid, "a message that cannot be read"});
  }
  using Kind = protocol::InvokerMessage;
  const auto kind = message.message_case();
  const bool opens = kind == Kind::kHello || kind == Kind::kDiscover || kind == Kind::kJoin || kind == Kind::kRenew;
  if (opens == greeted_ && kind != Kind::MESSAGE_NOT_SET) {
    return refuse(
        {ErrorCode::kInvalid, greeted_ ? "its session has begun already" : "the first message must be hello"});
  }
  switch (kind) {
    case Kind::kHello: return greet(std::move(*message.mutable_hello()));
    case Kind::kReports:
      return service_.events.reports(shared_from_this(), std::unique_ptr<protocol::Reports>(message.release_reports()));
    case Kind::kLeaving: return service_.events.leaving(shared_from_this());
    case Kind::kDiscover:
    case Kind::kJoin:
    case Kind::kRenew:
      connection_->send(answer_join_call(message, connection_->peer(), service_));
      return connection_->finish();
    case Kind::MESSAGE_NOT_SET: return;  // of a later version
  }
}

void InvokerStream::greet(protocol::Hello hello) {
  greeted_ = true;
  peer_ = connection_->peer();
  connection_->watch(service_.silence);
  service_.events.hello(shared_from_this(), std::move(hello));
}

void InvokerStream::write_next() {
  writing_ = true;
  connection_->allow(protocol::kMaxControlMessageBytes);  // it was let in: nothing is sent before
  connection_->send(*outgoing_.pop());
}

void InvokerStream::written() {
  writing_ = false;
  if (!outgoing_.empty()) write_next();
}

void InvokerStream::ended() {
  const auto self = shared_from_this();
  closing_ = true;
  outgoing_.clear();
  connection_.reset();  // others may keep the stream for longer than there is a gateway
  if (greeted_) service_.events.lost(shared_from_this());
  over_();
}

}  // namespace gust::controller
