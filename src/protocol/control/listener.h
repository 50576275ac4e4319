// Where invokers reach a controller.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "protocol/control/connection.h"

namespace gust::protocol {

/// Only on its executor's thread, but for open() and address().
class Listener {
 public:
  /// At "unix:/path" or "host:port"; port 0 lets the kernel choose one. The file of a Unix socket that nobody listens
  /// at any more is replaced. Resolves names, so it may block. kInvalid: no address. kUnavailable: it cannot be had.
  static Result<std::unique_ptr<Listener>> open(const boost::asio::any_io_executor& executor, std::string address);
  /// Accepts no more, and removes the file of a Unix socket.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Each client from now on.
  void accept(std::function<void(Socket)> accepted);

  /// As given, with the port that was chosen.
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  Listener(const boost::asio::any_io_executor& executor, std::string address);
  Result<void> listen();
  void accept_next();

  std::string address_;
  boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol> acceptor_;
  boost::asio::steady_timer pause_;
  std::function<void(Socket)> accepted_;
  // An operation that is through cannot be cancelled, and its handler may come when we are gone.
  std::shared_ptr<void> life_ = std::make_shared<char>();
};

}  // namespace gust::protocol
