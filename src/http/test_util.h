// A server on its own threads and a socket without manners, for this module's tests.
#pragma once

#include <poll.h>

#include <arpa/inet.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "http/client.h"
#include "http/server.h"

namespace gust::http::testing {

/// Answers 200 with "<method> <path> <body>" and the query behind it.
inline void echo(Request request, Responder responder) {
  std::string text = request.method + " " + request.path + " " + request.body;
  for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
  responder(Response{.content_type = "text/plain", .body = std::move(text)});
}

inline const Certificate& shared_certificate() {
  static const Certificate kCertificate = make_certificate({}).value();
  return kCertificate;
}

class TestServer {
 public:
  explicit TestServer(Handler handler = echo, ServerOptions options = {}, int threads = 2) {
    auto started = Server::start(io_, std::move(options), shared_certificate(), std::move(handler));
    if (!started) {
      ADD_FAILURE() << started.error().message;
      return;
    }
    server_ = std::move(*started);
    port_ = server_->port();
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { io_.run(); });
  }

  ~TestServer() { wait(); }

  /// Stops it and waits for the last connection's end.
  void wait() {
    server_.reset();
    threads_.clear();
  }

  Server& operator*() { return *server_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Endpoint endpoint(bool tls) const { return {.tls = tls, .host = "127.0.0.1", .port = port_}; }
  [[nodiscard]] std::unique_ptr<Client> client(bool tls, ClientOptions options = {}) const {
    if (options.trusted_chain_pem.empty()) options.trusted_chain_pem = shared_certificate().chain;
    return Client::create(endpoint(tls), std::move(options)).value();
  }
  boost::asio::io_context& io() { return io_; }

 private:
  boost::asio::io_context io_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::vector<std::jthread> threads_;
};

/// A plain TCP connection that sends whatever it is told. Gives up after 20 s.
class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ADD_FAILURE() << "connect: " << std::strerror(errno);
    }
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }

  /// What came, once `text` is in it or the server has closed.
  std::string read_until(std::string_view text) {
    while (!received_.contains(text)) {
      if (!read_more()) break;
    }
    return std::exchange(received_, {});
  }

  std::string read_all() {
    while (read_more()) {
    }
    return std::exchange(received_, {});
  }

  int fd() const { return fd_.get(); }

 private:
  bool read_more() {
    pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 20'000) != 1) {
      ADD_FAILURE() << "the server neither answered nor closed within 20 s; so far: " << received_;
      return false;
    }
    char bytes[16384];
    const ssize_t count = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  UniqueFd fd_;
  std::string received_;
};

}  // namespace gust::http::testing
