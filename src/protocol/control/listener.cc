#include "protocol/control/listener.h"

#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fmt/format.h>
#include <utility>

#include "protocol/control/address.h"

namespace gust::protocol {
namespace asio = boost::asio;
using asio::ip::tcp;
using NetError = boost::system::error_code;

namespace {

// When there is no descriptor left for another client.
constexpr std::chrono::milliseconds kPause{100};

Result<Endpoint> resolve(const asio::any_io_executor& executor, const std::string& address) {
  auto read = GUST_TRY(read_address(address));
  if (const auto* endpoint = std::get_if<Endpoint>(&read)) return *endpoint;
  const auto& name = std::get<HostPort>(read);
  NetError error;
  const auto found =
      tcp::resolver(executor).resolve(name.host, std::to_string(name.port), tcp::resolver::passive, error);
  if (error) return fail(ErrorCode::kUnavailable, error.message());
  return found.begin()->endpoint();
}

/// Whether somebody listens at this path. The file of one who ended without removing it is no hindrance.
bool is_taken(const Endpoint& endpoint) {
  asio::io_context io;
  Socket probe(io);
  NetError error;
  probe.connect(endpoint, error);
  return !error;
}

}  // namespace

Listener::Listener(const asio::any_io_executor& executor, std::string address)
    : address_(std::move(address)), acceptor_(executor), pause_(executor) {}

Listener::~Listener() {
  if (!acceptor_.is_open()) return;
  if (const auto path = unix_path(address_)) ::unlink(path->c_str());
}

Result<std::unique_ptr<Listener>> Listener::open(const asio::any_io_executor& executor, std::string address) {
  std::unique_ptr<Listener> listener(new Listener(executor, std::move(address)));
  if (const auto listening = listener->listen(); !listening) {
    return std::unexpected(
        listening.error().while_doing(fmt::format("cannot listen for invokers on {}", listener->address_)));
  }
  return listener;
}

Result<void> Listener::listen() {
  const Endpoint endpoint = GUST_TRY(resolve(acceptor_.get_executor(), address_));
  const auto path = unix_path(address_);
  if (path && is_taken(endpoint)) return fail(ErrorCode::kUnavailable, "another controller listens there");
  if (path) ::unlink(path->c_str());
  NetError error;
  NetError ignored;
  acceptor_.open(endpoint.protocol(), error);
  if (!error && !path) acceptor_.set_option(asio::socket_base::reuse_address(true), ignored);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    acceptor_.close(ignored);
    return fail(ErrorCode::kUnavailable, error.message());
  }
  if (path) return {};
  const Endpoint bound = acceptor_.local_endpoint();
  tcp::endpoint chosen;
  std::memcpy(chosen.data(), bound.data(), bound.size());
  address_ = fmt::format("{}:{}", address_.substr(0, address_.rfind(':')), chosen.port());
  return {};
}

void Listener::accept(std::function<void(Socket)> accepted) {
  accepted_ = std::move(accepted);
  accept_next();
}

void Listener::accept_next() {
  acceptor_.async_accept([this, life = std::weak_ptr(life_)](NetError error, Socket socket) {
    if (life.expired()) return;
    if (!error) {
      accepted_(std::move(socket));
      return accept_next();
    }
    pause_.expires_after(kPause);
    pause_.async_wait([this, life](NetError /*aborted*/) {
      if (!life.expired()) accept_next();
    });
  });
}

}  // namespace gust::protocol
