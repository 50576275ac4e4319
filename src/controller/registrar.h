// Who may join over TLS: the authority that signs invokers' certificates, and the tokens by which they get their first.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/certificate.h"
#include "base/clock.h"
#include "base/result.h"
#include "protocol/control.pb.h"
#include "protocol/control/tls.h"
#include "store/store.h"

namespace gust::controller {

struct RegistrarOptions {
  Certificate authority;
  std::string join_token;  ///< of the configuration, beside those in the store; empty for none
  std::chrono::seconds certificate_life{std::chrono::days(7)};  ///< of all that it signs
  std::function<WallTime()> clock = wall_now;
};

/// Thread-safe. Does not block.
class Registrar {
 public:
  /// kInvalid when the authority is none, or has ended.
  static Result<std::unique_ptr<Registrar>> create(RegistrarOptions options, const store::TokenStore& tokens);

  /// The answers to the questions of control.proto. kDenied for a token that is wrong, expired, or not there, kInvalid
  /// for a request that cannot be signed.
  [[nodiscard]] Result<protocol::DiscoverAnswer> discover(const protocol::DiscoverRequest& request) const;
  [[nodiscard]] Result<protocol::SignedCertificate> join(const protocol::JoinRequest& request) const;
  [[nodiscard]] Result<protocol::SignedCertificate> renew(const protocol::RenewRequest& request,
                                                          const std::string& name) const;

  /// A new certificate for the controller itself. kInternal.
  [[nodiscard]] Result<protocol::TlsIdentity> make_server_identity() const;

 private:
  Registrar(RegistrarOptions options, const store::TokenStore& tokens);

  /// The digest of the token with this id, if it may be used now.
  [[nodiscard]] Result<std::string> find_digest(const std::string& token_id) const;
  [[nodiscard]] Result<protocol::SignedCertificate> sign(const std::string& name, const std::string& request) const;

  RegistrarOptions options_;
  std::string configured_id_;
  std::string configured_digest_;  // empty for none
  const store::TokenStore& tokens_;
};

/// The authority of this file, certificate and key, made and written with mode 0600 where it does not exist. kInvalid
/// for one that cannot be used. Blocks.
Result<Certificate> load_or_make_authority(const std::filesystem::path& file);

}  // namespace gust::controller
