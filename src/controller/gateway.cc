#include "controller/gateway.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <optional>
#include <spdlog/spdlog.h>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/priority.h"
#include "controller/invoker_stream.h"
#include "controller/registrar.h"
#include "protocol/control/listener.h"

namespace gust::controller {
namespace asio = boost::asio;

namespace {

// A thread of its own: invokers are heard, and hear something, whatever the controller is busy with.
class SocketGateway final : public Gateway {
 public:
  SocketGateway(std::chrono::milliseconds silence, GatewayEvents events, const Registrar* registrar)
      : service_{.events = std::move(events), .registrar = registrar, .silence = silence} {}
  ~SocketGateway() override { SocketGateway::shut_down(); }

  Result<void> start(const std::string& address) {
    auto listener = protocol::Listener::open(io_.get_executor(), address);
    if (!listener) {
      Error error = std::move(listener).error();
      if (error.code == ErrorCode::kUnavailable) error.message += "; choose another address with --invoker-listen";
      return std::unexpected(std::move(error));
    }
    listener_ = std::move(*listener);
    address_ = listener_->address();
    listener_->accept([this](protocol::Socket socket) { welcome(std::move(socket)); });
    thread_ = std::thread([this] {
      run_ahead_of_others();
      io_.run();
    });
    return {};
  }

  [[nodiscard]] std::string address() const override { return address_; }

  void shut_down() override {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      listener_.reset();
      work_.reset();  // run() returns with the end of the last connection
      for (const auto& stream : std::vector(streams_.begin(), streams_.end())) {
        stream->refuse({ErrorCode::kUnavailable, "the controller is shutting down"});
      }
    });
    thread_.join();
  }

 private:
  void welcome(protocol::Socket socket) {
    TlsContext tls;
    if (service_.registrar != nullptr) {
      auto context = next_tls();
      if (!context)
        return spdlog::error("no certificate could be made for this controller: {}", context.error().message);
      tls = std::move(*context);
    }
    const auto stream = std::make_shared<InvokerStream>(io_, service_);
    streams_.insert(stream);
    stream->begin(std::move(socket), std::move(tls),
                  [this, raw = stream.get()] { streams_.erase(raw->shared_from_this()); });
  }

  // A new certificate whenever a client finds that the last one has had two thirds of its life: no timer is needed.
  Result<TlsContext> next_tls() {
    if (tls_ && wall_now() < renew_at_) return tls_;
    const auto identity = GUST_TRY(service_.registrar->make_server_identity());
    renew_at_ = renewal_time(GUST_TRY(read_certificate(identity.certificate.chain)));
    tls_ = GUST_TRY(protocol::server_tls(identity));
    return tls_;
  }

  const GatewayService service_;
  std::string address_;
  asio::io_context io_{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{io_.get_executor()};
  std::unique_ptr<protocol::Listener> listener_;
  std::unordered_set<std::shared_ptr<InvokerStream>> streams_;
  TlsContext tls_;
  WallTime renew_at_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::listen(const std::string& address, std::chrono::milliseconds silence,
                                                 GatewayEvents events, const Registrar* registrar) {
  auto gateway = std::make_unique<SocketGateway>(silence, std::move(events), registrar);
  GUST_TRY_VOID(gateway->start(address));
  return gateway;
}

std::chrono::milliseconds heartbeat_interval(std::chrono::milliseconds silence) {
  return std::max(silence / 3, std::chrono::milliseconds(1));
}

}  // namespace gust::controller
