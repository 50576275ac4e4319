// What watches an invoker asks it over HTTP: GET /ping, /ready and /metrics, without a key.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "http/server.h"
#include "invoker/invoker.h"

namespace gust::cli {

/// Serves on a thread of its own until its destructor.
class InvokerMonitor {
 public:
  /// On "host:port". The agent outlives it, and the io_context, which is nobody else's, the agent. kInvalid: no
  /// address. kUnavailable: it cannot be had.
  static Result<std::unique_ptr<InvokerMonitor>> start(boost::asio::io_context& io, invoker::Invoker& agent,
                                                       const std::string& address);
  ~InvokerMonitor();
  InvokerMonitor(const InvokerMonitor&) = delete;
  InvokerMonitor& operator=(const InvokerMonitor&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }

 private:
  InvokerMonitor(boost::asio::io_context& io, std::unique_ptr<http::Server> server);

  boost::asio::io_context& io_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

}  // namespace gust::cli
