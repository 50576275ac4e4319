// One client's connection to the server. Inside the module only.
#pragma once

#include <atomic>
#include <memory>

#include "http/handler.h"
#include "http/request_reader.h"
#include "http/server.h"
#include "http/stream.h"

namespace gust::http {

/// What all connections of a server share.
struct Service {
  ServerOptions options;
  TlsContext tls;  ///< null when the server is plain only
  Handler handler;
  std::atomic<bool> stopping = false;
};

/// Serves requests one after the other, in the order in which they came. Only on its socket's strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, std::shared_ptr<Service> service);

  /// Until the client leaves, or the server stops, or a time limit passes.
  Awaitable<void> run();

  /// Ends it unless a request has begun to arrive.
  void close_if_idle();

  [[nodiscard]] boost::asio::any_io_executor executor() { return stream_->executor(); }

 private:
  Awaitable<bool> open();
  Awaitable<bool> wait_for_request();
  Awaitable<After> serve_one();
  Awaitable<void> refuse(Response answer);
  Awaitable<NetError> send(Response answer, unsigned version, After after, bool with_body);

  std::shared_ptr<Service> service_;
  std::shared_ptr<Stream> stream_;
  Buffer buffer_;
  bool idle_ = true;
  bool served_ = false;  ///< at least one request
  bool unread_ = false;  ///< the client may still be sending
};

}  // namespace gust::http
