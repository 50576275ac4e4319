// One TCP connection's bytes, plain or TLS, with a deadline. Inside the module only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/tls_context.h"

namespace gust::http {

template <class T>
using Awaitable = boost::asio::awaitable<T>;
using Buffer = boost::beast::flat_buffer;
using NetError = boost::system::error_code;

/// A body above one buffer's worth is read in pieces of so many bytes.
constexpr std::size_t kLargeRead = 64 << 10;

/// Only on its socket's executor, which is a strand; one operation at a time. When the deadline passes, the operation
/// under way and those that follow end with asio::error::timed_out until a new deadline is set.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  explicit Stream(boost::asio::ip::tcp::socket socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// The deadline costs nothing to move: the one timer is looked at again when it fires.
  void expires_at(SteadyTime deadline);
  void expires_after(std::chrono::milliseconds timeout) { expires_at(std::chrono::steady_clock::now() + timeout); }
  void never_expires() { expires_at(SteadyTime::max()); }
  /// never_expires(), and gives the timer back, so that io_context::run() need not wait for it.
  void disarm();

  /// Tries one after the other.
  Awaitable<NetError> connect(const std::vector<boost::asio::ip::tcp::endpoint>& endpoints);

  /// Reads the first bytes into `buffer`; true if they begin a TLS handshake, nothing if the peer is gone.
  Awaitable<std::optional<bool>> detect_tls(Buffer& buffer);

  /// `received` are bytes of the handshake that were read already.
  Awaitable<NetError> accept_tls(const TlsContext& context, Buffer& received);

  /// `host` is asked for and checked against the certificate, if the context checks any.
  Awaitable<NetError> start_tls(const TlsContext& context, const std::string& host);

  /// Why the peer's certificate was refused, if it was.
  [[nodiscard]] std::optional<std::string> certificate_fault() const;

  /// At least one byte more in `buffer`. asio::error::eof at the end, asio::error::no_buffer_space when it is full.
  Awaitable<NetError> fill(Buffer& buffer);

  /// All bytes. The deadline moves on by `patience` whenever the peer took some; a patience of 0 leaves it where it is.
  Awaitable<NetError> write(std::string_view bytes, std::chrono::milliseconds patience);

  /// Says that no more bytes will come, without waiting for the peer to say so.
  Awaitable<void> finish();

  /// Reads and drops what still comes, until the end: a connection closed with bytes unread is reset, and the peer
  /// might lose the answer.
  Awaitable<void> drain();

  /// Ends whatever operation is under way.
  void close();

  [[nodiscard]] boost::asio::any_io_executor executor() { return socket_.get_executor(); }

 private:
  struct Tls;
  struct Transfer {
    NetError error;
    std::size_t bytes = 0;
  };
  Awaitable<Transfer> read_some(boost::asio::mutable_buffer into);
  Awaitable<Transfer> write_some(boost::asio::const_buffer from);
  NetError outcome(NetError error) const;
  void arm();
  void on_timer();

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<Tls> tls_;
  boost::asio::steady_timer timer_;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime armed_until_ = SteadyTime::max();
  bool expired_ = false;
};

}  // namespace gust::http
