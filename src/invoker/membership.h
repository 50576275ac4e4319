// By what an invoker proves that it belongs to its cluster: nothing, a token in its Hello (Unix sockets), or, over TLS,
// a certificate, which it gets by a token and keeps fresh.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/certificate.h"
#include "base/result.h"
#include "invoker/config.h"
#include "invoker/errand.h"
#include "invoker/join_calls.h"

namespace gust::invoker {

/// The certificate of an earlier run, if there is one for this name. Blocks. kInvalid when there is one that cannot be
/// used, and no token for another.
Result<std::optional<protocol::TlsIdentity>> earlier_identity(const InvokerConfig& config);

/// Only on the invoker's thread.
class Membership {
 public:
  Membership(boost::asio::io_context& io, const InvokerConfig& config, std::optional<protocol::TlsIdentity> earlier);
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  /// Whether the next connection can be opened: identity() is what it needs.
  [[nodiscard]] bool ready() const;
  /// Absent: without TLS.
  [[nodiscard]] const std::optional<protocol::TlsIdentity>& identity() const { return identity_; }

  /// Gets a certificate. Errors as of join(), kUnavailable alone means that it may help to try again; kDenied also when
  /// the last one has ended and there is no token.
  void obtain(std::function<void(Result<void>)> done);

  /// Looks why no session came about: gives a refusal that can be acted upon, or the error as it was.
  void explain(Error error, std::function<void(Error)> done);

  /// Renews the certificate when it is time to, from now on.
  void keep_fresh();

 private:
  Error judge(const Sight& sight, Error error);
  void take(protocol::TlsIdentity identity);
  [[nodiscard]] std::chrono::milliseconds until_due() const;
  void schedule(std::chrono::milliseconds delay);
  void renew_if_due();
  void renewed(Result<protocol::TlsIdentity> identity);

  boost::asio::io_context& io_;
  JoinOrder order_;
  std::filesystem::path file_;
  std::function<void(std::string_view)> say_;
  bool over_network_;
  std::optional<protocol::TlsIdentity> identity_;
  CertificateFacts facts_;  // of the identity's certificate
  boost::asio::steady_timer timer_;
  double jitter_;
  std::optional<Errand> errand_;  // of obtain() or explain()
  std::optional<Errand> renewal_;
};

}  // namespace gust::invoker
