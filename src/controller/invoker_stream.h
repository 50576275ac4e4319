// One invoker's connection, or that of a client with a question. Inside the module only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "controller/gateway.h"
#include "controller/link_queue.h"
#include "protocol/control/connection.h"

namespace gust::controller {

/// What all connections of a gateway have in common.
struct GatewayService {
  GatewayEvents events;
  const Registrar* registrar = nullptr;  ///< null without TLS
  std::chrono::milliseconds silence;
};

/// Only on the gateway's thread, but for InvokerLink's part.
class InvokerStream final : public InvokerLink, public std::enable_shared_from_this<InvokerStream> {
 public:
  /// Both outlive the connection; other threads may keep the stream for longer.
  InvokerStream(boost::asio::io_context& io, const GatewayService& service) : io_(io), service_(service) {}

  /// Once. `over` is called at the end, last.
  void begin(protocol::Socket socket, TlsContext tls, std::function<void()> over);
  void refuse(const Error& reason);

  void send(MessagePtr message) override;
  void close(const Error& reason) override;
  [[nodiscard]] const std::optional<protocol::PeerCertificate>& peer() const override { return peer_; }

 private:
  void take(std::string_view bytes);
  void greet(protocol::Hello hello);
  void write_next();
  void written();
  void ended();

  boost::asio::io_context& io_;
  const GatewayService& service_;
  std::function<void()> over_;
  std::shared_ptr<protocol::Connection> connection_;
  std::optional<protocol::PeerCertificate> peer_;  // set before anybody has the link
  LinkQueue outgoing_;
  bool greeted_ = false;
  bool writing_ = false;
  bool closing_ = false;
};

}  // namespace gust::controller
