#include "protocol/control/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/endian/conversion.hpp>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "base/check.h"
#include "protocol/control/address.h"

namespace gust::protocol {
namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

// The first bytes of each end: what speaks something else is recognised by them.
constexpr std::string_view kGreeting = "GUST";

// The first byte of a TLS alert, and of a handshake.
constexpr std::string_view kTlsRecords = "\x15\x16";

using Length = std::uint32_t;  // little-endian, before each message; 0 is a heartbeat
constexpr std::size_t kHeaderBytes = sizeof(Length);

constexpr std::size_t kStrangersBytes = std::size_t{16} << 20;
constexpr std::chrono::seconds kStrangersTime{10};
// For the peer to read what was said last.
constexpr std::chrono::seconds kLastWordsTime{1};

constexpr std::size_t kLeastBuffer = std::size_t{8} << 10;
constexpr std::size_t kKeptBuffer = std::size_t{256} << 10;
constexpr std::size_t kMostInOneWrite = 64;

SteadyTime now() { return std::chrono::steady_clock::now(); }

std::string frame(const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  std::string bytes(kHeaderBytes + size, '\0');
  boost::endian::store_little_u32(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<Length>(size));
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.data()) + kHeaderBytes);
  return bytes;
}

}  // namespace

struct Connection::Tls {
  Tls(Socket& socket, SSL* ssl) : stream(socket, ssl) {}
  asio::ssl::stream<Socket&> stream;
};

Connection::Connection(Socket socket, Role role, TlsContext tls, ConnectionEvents events)
    : role_(role),
      socket_(std::move(socket)),
      tls_context_(std::move(tls)),
      events_(std::move(events)),
      timer_(socket_.get_executor()),
      heard_(now()),
      beat_(heard_),
      asked_(heard_),
      deadline_(SteadyTime::max()),
      most_bytes_(kStrangersBytes),
      written_(heard_) {}

std::shared_ptr<Connection> Connection::connect(const asio::any_io_executor& executor, std::string address,
                                                TlsContext tls, ConnectionEvents events) {
  std::shared_ptr<Connection> connection(
      new Connection(Socket(executor), Role::kClient, std::move(tls), std::move(events)));
  connection->run(std::move(address));
  return connection;
}

std::shared_ptr<Connection> Connection::accept(Socket socket, TlsContext tls, ConnectionEvents events) {
  std::shared_ptr<Connection> connection(
      new Connection(std::move(socket), Role::kServer, std::move(tls), std::move(events)));
  connection->deadline_ = now() + kStrangersTime;
  connection->arm();
  connection->run({});
  return connection;
}

void Connection::run(std::string address) {
  auto conversation = [self = shared_from_this(), address = std::move(address)]() -> Awaitable<void> {
    self->end(co_await self->converse(address));
  };
  // No event may come before the caller has the connection.
  asio::post(socket_.get_executor(), [executor = socket_.get_executor(), conversation = std::move(conversation)] {
    asio::co_spawn(executor, conversation, asio::detached);
  });
}

Connection::Awaitable<Error> Connection::converse(const std::string& address) {
  if (role_ == Role::kClient) {
    if (const auto reached = co_await reach(address); !reached) co_return reached.error();
  }
  NetError ignored;
  socket_.set_option(tcp::no_delay(true), ignored);  // a Unix socket has none
  if (tls_context_) {
    if (const auto secure = co_await shake_hands(); !secure) co_return secure.error();
  }
  if (role_ == Role::kClient) greet();
  co_return co_await receive();
}

Connection::Awaitable<Result<void>> Connection::reach(const std::string& address) {
  const auto read = read_address(address);
  if (!read) co_return std::unexpected(read.error());
  std::vector<Endpoint> endpoints;
  NetError error;
  if (const auto* endpoint = std::get_if<Endpoint>(&*read)) {
    endpoints.push_back(*endpoint);
  } else {
    const auto& name = std::get<HostPort>(*read);
    tcp::resolver resolver(socket_.get_executor());
    const auto found =
        co_await resolver.async_resolve(name.host, std::to_string(name.port), redirect_error(use_awaitable, error));
    for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
  }
  for (const Endpoint& endpoint : endpoints) {
    if (closed_) break;  // while it was nothing that close() could have ended
    NetError ignored;
    socket_.close(ignored);
    co_await socket_.async_connect(endpoint, redirect_error(use_awaitable, error));
    if (!error) break;
  }
  if (closed_) co_return fail(ErrorCode::kCancelled, "closed");
  if (error) co_return fail(ErrorCode::kUnavailable, error.message());
  co_return Result<void>();
}

Connection::Awaitable<Result<void>> Connection::shake_hands() {
  SSL* ssl = SSL_new(tls_context_.get());
  if (ssl == nullptr) co_return fail(ErrorCode::kUnavailable, "no memory for a TLS connection");
  tls_ = std::make_unique<Tls>(socket_, ssl);
  NetError error;
  const auto end = role_ == Role::kClient ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
  co_await tls_->stream.async_handshake(end, redirect_error(use_awaitable, error));
  if (error) co_return std::unexpected(lost(error));
  if (role_ == Role::kServer) peer_ = peer_certificate(ssl);
  co_return Result<void>();
}

Connection::Awaitable<Error> Connection::receive() {
  while (true) {
    make_room();
    const auto room = asio::buffer(received_.data() + end_, received_.size() - end_);
    NetError error;
    const std::size_t got = tls_ ? co_await tls_->stream.async_read_some(room, redirect_error(use_awaitable, error))
                                 : co_await socket_.async_read_some(room, redirect_error(use_awaitable, error));
    if (closed_) co_return Error{};
    if (error) co_return lost(error);
    end_ += got;
    heard_ = now();
    if (auto delivered = deliver(); !delivered) co_return std::move(delivered).error();
    if (closed_) co_return Error{};
    // A large message may be long on its way, and its sender's heartbeat waits behind it.
    if (role_ == Role::kServer && silence_ && heard_ >= written_ + *silence_ / 3) send_heartbeat();
  }
}

Result<void> Connection::deliver() {
  const auto waiting = [this] { return std::string_view(received_.data() + begin_, end_ - begin_); };
  if (!greeted_) {
    const std::string_view first = waiting().substr(0, kGreeting.size());
    if (!kGreeting.starts_with(first)) {
      if (kTlsRecords.contains(first.front())) return fail(ErrorCode::kUnavailable, "it speaks TLS");
      return fail(ErrorCode::kVersionMismatch, "what is connected there is no Gust of this version");
    }
    if (first.size() < kGreeting.size()) return {};
    begin_ += kGreeting.size();
    greeted_ = true;
    if (role_ == Role::kServer) greet();
  }
  while (!closed_) {
    const std::optional<std::size_t> length = next_length();
    if (!length) return {};
    if (*length > most_bytes_) {
      return fail(ErrorCode::kInvalid, fmt::format("a message of {} bytes; {} are allowed", *length, most_bytes_));
    }
    if (waiting().size() < kHeaderBytes + *length) return {};
    const std::string_view message = waiting().substr(kHeaderBytes, *length);
    begin_ += kHeaderBytes + *length;
    if (message.empty() && role_ == Role::kServer) send_heartbeat();
    if (message.empty() || finishing_) continue;
    if (std::exchange(is_stranger_, false)) deadline_ = SteadyTime::max();
    events_.message(message);
  }
  return {};
}

std::optional<std::size_t> Connection::next_length() const {
  if (!greeted_ || end_ - begin_ < kHeaderBytes) return std::nullopt;
  return boost::endian::load_little_u32(reinterpret_cast<const unsigned char*>(received_.data() + begin_));
}

// Twice as much at the most as has come already, so that nobody makes us take memory by announcing a size.
void Connection::make_room() {
  std::copy(received_.begin() + static_cast<std::ptrdiff_t>(begin_),
            received_.begin() + static_cast<std::ptrdiff_t>(end_), received_.begin());
  end_ -= std::exchange(begin_, 0);
  if (end_ == 0 && received_.size() > kKeptBuffer) received_ = {};
  if (end_ < received_.size()) return;
  const std::size_t wanted = kHeaderBytes + next_length().value_or(0);
  received_.resize(std::max(kLeastBuffer, std::min(2 * received_.size(), wanted)));
}

void Connection::greet() {
  outgoing_.push_front({.bytes = std::string(kGreeting), .is_message = false});
  established_ = true;
  write_next();
}

void Connection::send(const google::protobuf::MessageLite& message) {
  if (closed_ || finishing_) return;
  enqueue({.bytes = frame(message), .is_message = true});
}

void Connection::enqueue(Frame frame) {
  outgoing_.push_back(std::move(frame));
  if (established_ && writing_ == 0) write_next();
}

void Connection::write_next() {
  batch_.clear();
  for (const Frame& frame : outgoing_) {
    if (batch_.size() == kMostInOneWrite) break;
    batch_.push_back(asio::buffer(frame.bytes));
  }
  writing_ = batch_.size();
  const auto done = [self = shared_from_this()](NetError error, std::size_t /*bytes*/) { self->wrote(error); };
  tls_ ? asio::async_write(tls_->stream, batch_, done) : asio::async_write(socket_, batch_, done);
}

void Connection::wrote(NetError error) {
  if (closed_) return;
  const auto last = outgoing_.begin() + static_cast<std::ptrdiff_t>(std::exchange(writing_, 0));
  if (error) {
    // What the peer said before it went may still be there to be read.
    outgoing_.clear();
    established_ = false;
    return end_after(kLastWordsTime);
  }
  written_ = now();
  const auto messages = std::count_if(outgoing_.begin(), last, [](const Frame& frame) { return frame.is_message; });
  outgoing_.erase(outgoing_.begin(), last);
  if (!outgoing_.empty()) {
    write_next();
  } else if (finishing_) {
    shut_down();
  }
  for (auto left = messages; left > 0 && !closed_ && events_.written; --left) events_.written();
}

void Connection::finish() {
  if (closed_ || std::exchange(finishing_, true)) return;
  end_after(kLastWordsTime);
  if (outgoing_.empty()) shut_down();
}

// A connection that is closed with bytes unread is reset, and the peer might lose what was said last: it has to go
// first.
void Connection::shut_down() {
  NetError ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Connection::watch(std::chrono::milliseconds silence) {
  silence_ = silence;
  arm();
}

void Connection::begin_heartbeat(std::chrono::milliseconds interval) {
  heartbeat_ = interval;
  arm();
}

void Connection::end_after(std::chrono::milliseconds time) {
  deadline_ = now() + time;
  arm();
}

// A client has to have asked, and to have waited for the answer: it may be late itself. Rounded up, so that the timers
// of many connections end together and wake the thread once.
SteadyTime Connection::silent_at() const {
  if (!silence_ || (heartbeat_ && asked_ <= heard_)) return SteadyTime::max();
  const SteadyTime answer_due = heartbeat_ ? asked_ + (*silence_ - *heartbeat_) : SteadyTime::min();
  const auto grain = std::max<SteadyTime::duration>(*silence_ / 12, std::chrono::milliseconds(1));
  const auto at = std::max(heard_ + *silence_, answer_due).time_since_epoch();
  return SteadyTime((at + grain - SteadyTime::duration(1)) / grain * grain);
}

SteadyTime Connection::heartbeat_at() const {
  return heartbeat_ ? std::max(beat_, std::min(written_, heard_)) + *heartbeat_ : SteadyTime::max();
}

void Connection::arm() {
  const SteadyTime next = std::min({deadline_, silent_at(), heartbeat_at()});
  if (closed_ || next == SteadyTime::max()) return;
  timer_.expires_at(next);
  timer_.async_wait([weak = weak_from_this()](NetError aborted) {
    if (aborted) return;
    if (const auto self = weak.lock()) self->look_at_the_clock();
  });
}

void Connection::look_at_the_clock() {
  if (closed_) return;
  const SteadyTime time = now();
  if (time >= deadline_) return end({ErrorCode::kUnavailable, "nothing was heard in time"});
  if (time >= silent_at()) {
    // If something is there to be read, it is we who did not get to it.
    NetError ignored;
    if (socket_.available(ignored) == 0) {
      return end({ErrorCode::kUnavailable,
                  fmt::format("nothing was heard for {:g} s", static_cast<double>(silence_->count()) / 1000)});
    }
    heard_ = time;
  }
  if (time >= heartbeat_at()) send_heartbeat();
  arm();
}

// What is on its way shows as well that we are there.
void Connection::send_heartbeat() {
  beat_ = now();
  if (asked_ <= heard_) asked_ = beat_;
  if (outgoing_.empty() && established_ && !finishing_) {
    enqueue({.bytes = std::string(kHeaderBytes, '\0'), .is_message = false});
  }
}

void Connection::close() {
  closed_ = true;
  NetError ignored;
  socket_.close(ignored);
  timer_.cancel();
}

void Connection::end(const Error& error) {
  if (closed_) return;
  close();
  events_.ended(error);
}

Error Connection::lost(NetError error) const {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
    return {ErrorCode::kUnavailable, "the other side has ended the connection"};
  }
  if (tls_) {
    if (const long fault = SSL_get_verify_result(tls_->stream.native_handle()); fault != X509_V_OK) {
      return {ErrorCode::kUnavailable, fmt::format("{} ({})", error.message(), X509_verify_cert_error_string(fault))};
    }
  }
  return {ErrorCode::kUnavailable, error.message()};
}

}  // namespace gust::protocol
