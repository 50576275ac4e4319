#include "http/server.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <list>
#include <mutex>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include "http/connection.h"

namespace gust::http {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Bursts of clients arrive in the same millisecond; the kernel caps this at net.core.somaxconn.
constexpr int kBacklog = 4096;
/// After a failed accept (no file descriptors left): long enough to let some be closed.
constexpr std::chrono::milliseconds kAcceptPause(50);

/// The acceptor and its connections. The coroutine and the acceptor are on `strand_`.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::io_context& io, tcp::acceptor acceptor, std::shared_ptr<Service> service)
      : io_(io),
        strand_(acceptor.get_executor()),
        acceptor_(std::move(acceptor)),
        room_(strand_),
        service_(std::move(service)) {}

  void start() {
    asio::co_spawn(strand_, accept_loop(), [self = shared_from_this()](const std::exception_ptr&) {});
  }

  void stop() {
    if (service_->stopping.exchange(true)) return;
    asio::post(strand_, [self = shared_from_this()] {
      NetError ignored;
      self->acceptor_.close(ignored);
      self->room_.cancel();
    });
    const std::lock_guard lock(mutex_);
    for (const auto& weak : connections_) {
      if (const auto connection = weak.lock()) {
        asio::post(connection->executor(), [connection] { connection->close_if_idle(); });
      }
    }
  }

 private:
  using Place = std::list<std::weak_ptr<Connection>>::iterator;

  Awaitable<void> accept_loop() {
    const auto self = shared_from_this();
    while (!service_->stopping) {
      if (count() >= service_->options.max_connections) {
        co_await pause(std::chrono::steady_clock::duration::max());
        continue;
      }
      NetError error;
      tcp::socket socket =
          co_await acceptor_.async_accept(asio::make_strand(io_), asio::redirect_error(asio::use_awaitable, error));
      if (!error) {
        serve(std::move(socket));
      } else if (error != asio::error::operation_aborted && error != asio::error::connection_aborted) {
        spdlog::warn("cannot accept a connection: {}; trying again", error.message());
        co_await pause(kAcceptPause);
      }
    }
  }

  /// Until the time has passed or a connection has made room.
  Awaitable<void> pause(std::chrono::steady_clock::duration time) {
    NetError ignored;
    if (time == time.max()) {
      room_.expires_at(SteadyTime::max());
    } else {
      room_.expires_after(time);
    }
    co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }

  void serve(tcp::socket socket) {
    const auto connection = std::make_shared<Connection>(std::move(socket), service_);
    Place place;
    {
      const std::lock_guard lock(mutex_);
      if (service_->stopping) return;
      place = connections_.insert(connections_.end(), connection);
    }
    asio::co_spawn(
        connection->executor(), connection->run(),
        [self = shared_from_this(), place](const std::exception_ptr& failure) { self->ended(place, failure); });
  }

  void ended(Place place, const std::exception_ptr& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      spdlog::error("a connection ended: {}", error.what());
    }
    bool was_full = false;
    {
      const std::lock_guard lock(mutex_);
      was_full = connections_.size() == service_->options.max_connections;
      connections_.erase(place);
    }
    if (was_full) asio::post(strand_, [self = shared_from_this()] { self->room_.cancel(); });
  }

  asio::io_context& io_;
  asio::any_io_executor strand_;
  tcp::acceptor acceptor_;
  asio::steady_timer room_;
  std::shared_ptr<Service> service_;
  std::mutex mutex_;
  std::list<std::weak_ptr<Connection>> connections_;  // guarded by mutex_
};

class BeastServer final : public Server {
 public:
  BeastServer(std::shared_ptr<Listener> listener, std::uint16_t port) : listener_(std::move(listener)), port_(port) {}
  BeastServer(const BeastServer&) = delete;
  BeastServer& operator=(const BeastServer&) = delete;
  ~BeastServer() override { listener_->stop(); }
  [[nodiscard]] std::uint16_t port() const override { return port_; }
  void stop() override { listener_->stop(); }

 private:
  std::shared_ptr<Listener> listener_;
  std::uint16_t port_;
};

std::string advice_for(const NetError& error) {
  if (error == asio::error::address_in_use) return "; is another server running there? choose another port";
  if (error == asio::error::access_denied) return "; ports below 1024 need a privilege: choose another port";
  if (error == boost::system::errc::address_not_available) {
    return "; choose an address of this machine";
  }
  return "";
}

Result<tcp::acceptor> listen(asio::io_context& io, const ServerOptions& options) {
  NetError error;
  const auto address = asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error) {
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is not an IP address to listen on; write for example 127.0.0.1 "
                                                 "or 0.0.0.0",
                                                 options.address));
  }
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor acceptor(asio::make_strand(io));
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  // Accepted sockets inherit it, which saves a system call for each.
  if (!error) acceptor.set_option(tcp::no_delay(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) {
    return fail(ErrorCode::kUnavailable, fmt::format("cannot listen on {}:{}: {}{}", options.address, options.port,
                                                     error.message(), advice_for(error)));
  }
  return acceptor;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(asio::io_context& io, ServerOptions options,
                                              std::optional<Certificate> certificate, Handler handler) {
  auto service = std::make_shared<Service>();
  if (options.transport != Transport::kPlainOnly) {
    if (!certificate) return fail(ErrorCode::kInvalid, "a server with TLS needs a certificate");
    service->tls = GUST_TRY(make_server_context(*certificate));
  }
  tcp::acceptor acceptor = GUST_TRY(listen(io, options));
  NetError error;
  const std::uint16_t port = acceptor.local_endpoint(error).port();
  service->options = std::move(options);
  service->handler = std::move(handler);
  const auto listener = std::make_shared<Listener>(io, std::move(acceptor), std::move(service));
  listener->start();
  return std::make_unique<BeastServer>(listener, port);
}

}  // namespace gust::http
