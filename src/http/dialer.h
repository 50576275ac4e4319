// Opens a client's connections. Inside the module only.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "http/client.h"
#include "http/stream.h"

namespace gust::http {

/// From any thread.
class Dialer {
 public:
  /// kInvalid when the certificates to trust cannot be read.
  static Result<std::unique_ptr<Dialer>> create(Endpoint endpoint, const ClientOptions& options);

  /// A new connection, ready for a request: kUnavailable, kTimedOut or kDenied with what to do about it. Its deadline
  /// is `deadline`.
  Awaitable<Result<std::shared_ptr<Stream>>> dial(SteadyTime deadline);

  /// What went wrong on a connection that was open, as an error that names the endpoint.
  [[nodiscard]] Error lost(NetError error) const;

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  /// "https://127.0.0.1:3233", for messages.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

  Dialer(Endpoint endpoint, const ClientOptions& options);
  Awaitable<Result<Addresses>> resolve();
  Result<TlsContext> tls_context();
  [[nodiscard]] Error unreachable(NetError error) const;
  [[nodiscard]] Error tls_failed(NetError error, const Stream& stream) const;

  const Endpoint endpoint_;
  const std::string name_;
  const std::chrono::milliseconds timeout_;
  const Trust trust_;
  std::mutex mutex_;
  Addresses addresses_;     // guarded by mutex_; empty until resolved
  TlsContext tls_context_;  // guarded by mutex_; made when first needed unless certificates are given
};

}  // namespace gust::http
