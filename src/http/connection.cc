#include "http/connection.h"

#include <spdlog/spdlog.h>

#include "http/answer.h"
#include "http/status.h"
#include "http/wire.h"

namespace gust::http {
namespace {

/// More than headers_limit in one buffer: what follows a request may have arrived with it.
constexpr std::size_t kBufferBeyondHeader = 64 << 10;
constexpr std::size_t kFirstBuffer = 4096;
/// How long an answered client may go on sending what we do not read.
constexpr std::chrono::milliseconds kDrainTime(5000);

}  // namespace

Connection::Connection(boost::asio::ip::tcp::socket socket, std::shared_ptr<Service> service)
    : service_(std::move(service)),
      stream_(std::make_shared<Stream>(std::move(socket))),
      buffer_(service_->options.header_limit.count() + kBufferBeyondHeader) {
  buffer_.reserve(kFirstBuffer);
}

void Connection::close_if_idle() {
  if (idle_) stream_->close();
}

Awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  if (co_await open()) {
    while (co_await wait_for_request()) {
      const After after = co_await serve_one();
      if (after == After::kClose) break;
    }
    stream_->expires_after(kDrainTime);
    co_await stream_->finish();
    if (unread_) co_await stream_->drain();
  }
  stream_->close();
}

Awaitable<bool> Connection::open() {
  const Transport transport = service_->options.transport;
  if (transport == Transport::kPlainOnly) co_return true;
  stream_->expires_after(service_->options.header_timeout);
  const std::optional<bool> tls = co_await stream_->detect_tls(buffer_);
  if (!tls) co_return false;
  if (*tls) {
    const NetError error = co_await stream_->accept_tls(service_->tls, buffer_);
    co_return !error;
  }
  if (transport == Transport::kTlsOnly) {
    unread_ = true;
    co_await refuse(error_response(400, "this port speaks TLS only; write https:// in front of its address"));
    stream_->expires_after(kDrainTime);
    co_await stream_->finish();
    co_await stream_->drain();
    co_return false;
  }
  co_return true;
}

Awaitable<bool> Connection::wait_for_request() {
  if (buffer_.size() > 0) {
    idle_ = false;
    co_return true;
  }
  if (service_->stopping) co_return false;
  idle_ = true;
  stream_->expires_after(served_ ? service_->options.idle_timeout : service_->options.header_timeout);
  const NetError error = co_await stream_->fill(buffer_);
  idle_ = false;
  co_return !error;
}

Awaitable<After> Connection::serve_one() {
  auto incoming = co_await read_request(*stream_, buffer_, service_->options);
  if (std::holds_alternative<Gone>(incoming)) co_return After::kClose;
  if (auto* refused = std::get_if<Refused>(&incoming)) {
    unread_ = true;
    co_await refuse(std::move(refused->answer));
    co_return After::kClose;
  }

  auto& received = std::get<Received>(incoming);
  const bool with_body = received.request.method != "HEAD";
  const unsigned version = received.version;
  stream_->never_expires();
  const auto answer = std::make_shared<Answer>();
  try {
    service_->handler(std::move(received.request), Answer::responder(answer));
  } catch (const std::exception& error) {
    spdlog::error("a request's handler threw: {}", error.what());  // its Responder, destroyed on the way, answered 500
  }
  Response response = co_await answer->wait();
  if (response.status < 200 || response.status > 999) {
    spdlog::error("a request's handler answered with status {}, which is none", response.status);
    response = error_response(500, "the server made an answer with a wrong status; see its log");
  }

  const After after = service_->stopping ? After::kClose : received.after;
  const NetError error = co_await send(std::move(response), version, after, with_body);
  served_ = true;
  unread_ = buffer_.size() > 0;
  co_return error ? After::kClose : after;
}

Awaitable<void> Connection::refuse(Response answer) { co_await send(std::move(answer), 11, After::kClose, true); }

Awaitable<NetError> Connection::send(Response answer, unsigned version, After after, bool with_body) {
  std::string head = response_head(answer, version, after);
  const std::chrono::milliseconds patience = service_->options.body_timeout;
  const bool send_body = with_body && may_have_body(answer.status);
  if (!send_body || answer.body.size() <= kJoinedBody) {
    if (send_body) head += answer.body;
    co_return co_await stream_->write(head, patience);
  }
  if (const NetError error = co_await stream_->write(head, patience)) co_return error;
  co_return co_await stream_->write(answer.body, patience);
}

}  // namespace gust::http
