// One end of a connection between an invoker and a controller: messages in frames over a Unix or a TCP socket, with TLS
// or without. docs/protocol.md has the bytes.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <google/protobuf/message_lite.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "protocol/control/tls.h"

namespace gust::protocol {

using Socket = boost::asio::generic::stream_protocol::socket;

/// Called on the connection's executor, and never after close().
struct ConnectionEvents {
  /// A message, as its sender serialised it; the bytes are gone afterwards.
  std::function<void(std::string_view)> message;
  /// Once for each message that was sent, in order, when the kernel has taken it.
  std::function<void()> written = {};
  /// It is over; last. kVersionMismatch: the peer speaks something else. kInvalid: it broke the rules. kUnavailable:
  /// anything else.
  std::function<void(const Error&)> ended;
};

/// Only on its executor's thread. Lives until its last operation has ended, whoever lets go of it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Begins to connect to "unix:/path" or "host:port"; over TLS if there is a context. Whether it worked comes as an
  /// event.
  static std::shared_ptr<Connection> connect(const boost::asio::any_io_executor& executor, std::string address,
                                             TlsContext tls, ConnectionEvents events);
  /// Of a socket that was accepted. A peer that has sent no message after ten seconds is gone.
  static std::shared_ptr<Connection> accept(Socket socket, TlsContext tls, ConnectionEvents events);

  /// Messages of the peer may be so large from now on; before, 16 MiB. More is an offence that ends the connection.
  void allow(std::size_t message_bytes) { most_bytes_ = message_bytes; }
  /// A peer from which nothing has come for so long is gone.
  void watch(std::chrono::milliseconds silence);
  /// A client sends a heartbeat when either side has said nothing for so long; the server answers each by
  /// itself, and says something as often while a message is on its way.
  void begin_heartbeat(std::chrono::milliseconds interval);

  /// Does not block. What is sent before the connection stands waits for that.
  void send(const google::protobuf::MessageLite& message);
  /// Ends the connection when all that was sent is written, and the peer has read it or had a second to; `ended`
  /// follows. Messages that come meanwhile are dropped.
  void finish();
  /// Ends it now, without an event.
  void close();

  /// Absent without TLS, for a client that has shown none, and until the first message.
  [[nodiscard]] const std::optional<PeerCertificate>& peer() const { return peer_; }

 private:
  struct Tls;
  using NetError = boost::system::error_code;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;
  enum class Role : std::uint8_t { kClient, kServer };
  struct Frame {
    std::string bytes;  // with its header
    bool is_message;    // and not a greeting or a heartbeat
  };

  Connection(Socket socket, Role role, TlsContext tls, ConnectionEvents events);

  void run(std::string address);
  Awaitable<Error> converse(const std::string& address);
  Awaitable<Result<void>> reach(const std::string& address);
  Awaitable<Result<void>> shake_hands();
  Awaitable<Error> receive();
  Result<void> deliver();
  [[nodiscard]] std::optional<std::size_t> next_length() const;
  void make_room();

  void greet();
  void enqueue(Frame frame);
  void write_next();
  void wrote(NetError error);
  void shut_down();

  void end_after(std::chrono::milliseconds time);
  void arm();
  [[nodiscard]] SteadyTime silent_at() const;
  [[nodiscard]] SteadyTime heartbeat_at() const;
  void send_heartbeat();
  void look_at_the_clock();
  void end(const Error& error);
  [[nodiscard]] Error lost(NetError error) const;

  const Role role_;
  Socket socket_;
  TlsContext tls_context_;
  std::unique_ptr<Tls> tls_;
  std::optional<PeerCertificate> peer_;
  ConnectionEvents events_;
  boost::asio::steady_timer timer_;
  std::optional<std::chrono::milliseconds> silence_;
  std::optional<std::chrono::milliseconds> heartbeat_;
  SteadyTime heard_;     // anything at all
  SteadyTime beat_;      // a heartbeat was sent
  SteadyTime asked_;     // the first one since something was heard, if later than that
  SteadyTime deadline_;  // of the whole connection
  std::size_t most_bytes_;

  std::vector<char> received_;  // [begin_, end_) of it is still to be delivered
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool greeted_ = false;     // the peer has
  bool is_stranger_ = true;  // no message has come

  std::deque<Frame> outgoing_;  // the first `writing_` are on their way
  std::vector<boost::asio::const_buffer> batch_;
  std::size_t writing_ = 0;
  SteadyTime written_;
  bool established_ = false;  // frames may be written
  bool finishing_ = false;
  bool closed_ = false;
};

}  // namespace gust::protocol
