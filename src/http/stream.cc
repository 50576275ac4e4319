#include "http/stream.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/detect_ssl.hpp>

namespace gust::http {
namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

/// One read takes a whole TLS record, or what a socket's buffer usually holds for a request.
constexpr std::size_t kLeastRead = 4096;
constexpr std::size_t kMostRead = 65536;

}  // namespace

struct Stream::Tls {
  Tls(tcp::socket& socket, SSL* ssl) : stream(socket, ssl) {}
  asio::ssl::stream<tcp::socket&> stream;
  bool established = false;
};

Stream::Stream(tcp::socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

Stream::~Stream() = default;

void Stream::expires_at(SteadyTime deadline) {
  deadline_ = deadline;
  expired_ = false;
  if (deadline_ < armed_until_) arm();
}

void Stream::disarm() {
  never_expires();
  armed_until_ = SteadyTime::max();
  timer_.cancel();
}

void Stream::arm() {
  armed_until_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](NetError error) {
    if (error) return;
    if (const auto self = weak.lock()) self->on_timer();
  });
}

void Stream::on_timer() {
  armed_until_ = SteadyTime::max();
  if (deadline_ == SteadyTime::max()) return;
  if (std::chrono::steady_clock::now() < deadline_) return arm();
  expired_ = true;
  NetError ignored;
  socket_.cancel(ignored);
}

NetError Stream::outcome(NetError error) const {
  if (error && expired_) return asio::error::timed_out;
  return error;
}

Awaitable<NetError> Stream::connect(const std::vector<tcp::endpoint>& endpoints) {
  NetError error = asio::error::host_not_found;
  for (const tcp::endpoint& endpoint : endpoints) {
    if (expired_) co_return asio::error::timed_out;
    NetError ignored;
    socket_.close(ignored);
    co_await socket_.async_connect(endpoint, redirect_error(use_awaitable, error));
    if (!error) {
      socket_.set_option(tcp::no_delay(true), ignored);
      co_return error;
    }
  }
  co_return outcome(error);
}

Awaitable<std::optional<bool>> Stream::detect_tls(Buffer& buffer) {
  NetError error;
  const bool tls = co_await boost::beast::async_detect_ssl(socket_, buffer, redirect_error(use_awaitable, error));
  if (error) co_return std::nullopt;
  co_return tls;
}

Awaitable<NetError> Stream::accept_tls(const TlsContext& context, Buffer& received) {
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) co_return asio::error::no_memory;
  tls_ = std::make_unique<Tls>(socket_, ssl);
  NetError error;
  const std::size_t used = co_await tls_->stream.async_handshake(asio::ssl::stream_base::server, received.data(),
                                                                 redirect_error(use_awaitable, error));
  received.consume(used);
  tls_->established = !error;
  co_return outcome(error);
}

Awaitable<NetError> Stream::start_tls(const TlsContext& context, const std::string& host) {
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) co_return asio::error::no_memory;
  tls_ = std::make_unique<Tls>(socket_, ssl);
  NetError error;
  asio::ip::make_address(host, error);
  if (!error) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set1_host(ssl, host.c_str());
  }
  co_await tls_->stream.async_handshake(asio::ssl::stream_base::client, redirect_error(use_awaitable, error));
  tls_->established = !error;
  co_return outcome(error);
}

std::optional<std::string> Stream::certificate_fault() const {
  if (!tls_) return std::nullopt;
  const long result = SSL_get_verify_result(tls_->stream.native_handle());
  if (result == X509_V_OK) return std::nullopt;
  return X509_verify_cert_error_string(result);
}

Awaitable<Stream::Transfer> Stream::read_some(asio::mutable_buffer into) {
  Transfer done{.error = asio::error::timed_out};
  if (expired_) co_return done;
  if (tls_) {
    done.bytes = co_await tls_->stream.async_read_some(into, redirect_error(use_awaitable, done.error));
  } else {
    done.bytes = co_await socket_.async_read_some(into, redirect_error(use_awaitable, done.error));
  }
  done.error = outcome(done.error);
  co_return done;
}

Awaitable<Stream::Transfer> Stream::write_some(asio::const_buffer from) {
  Transfer done{.error = asio::error::timed_out};
  if (expired_) co_return done;
  if (tls_) {
    done.bytes = co_await tls_->stream.async_write_some(from, redirect_error(use_awaitable, done.error));
  } else {
    done.bytes = co_await socket_.async_write_some(from, redirect_error(use_awaitable, done.error));
  }
  done.error = outcome(done.error);
  co_return done;
}

Awaitable<NetError> Stream::fill(Buffer& buffer) {
  const std::size_t free = buffer.max_size() - buffer.size();
  if (free == 0) co_return asio::error::no_buffer_space;
  const std::size_t spare = std::clamp(buffer.capacity() - buffer.size(), kLeastRead, kMostRead);
  const Transfer done = co_await read_some(buffer.prepare(std::min(spare, free)));
  buffer.commit(done.bytes);
  co_return done.error;
}

Awaitable<NetError> Stream::write(std::string_view bytes, std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    if (patience != patience.zero()) expires_after(patience);
    const Transfer done = co_await write_some(asio::buffer(bytes));
    if (done.error) co_return done.error;
    bytes.remove_prefix(done.bytes);
  }
  co_return NetError();
}

Awaitable<void> Stream::finish() {
  NetError ignored;
  if (tls_ && tls_->established) {
    // Sends our end and takes the peer's as given: waiting for it would cost each connection a round trip.
    SSL* ssl = tls_->stream.native_handle();
    SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
    co_await tls_->stream.async_shutdown(redirect_error(use_awaitable, ignored));
  }
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

Awaitable<void> Stream::drain() {
  NetError error;
  std::vector<char> sink(kMostRead);
  while (!error && !expired_) {
    co_await socket_.async_read_some(asio::buffer(sink), redirect_error(use_awaitable, error));
  }
}

void Stream::close() {
  NetError ignored;
  socket_.close(ignored);
}

}  // namespace gust::http
