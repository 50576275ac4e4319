// How the connections between invokers and controllers are secured.
#pragma once

#include <openssl/ssl.h>
#include <optional>
#include <string>

#include "base/certificate.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/tls_context.h"

namespace gust::protocol {

/// What one end presents, and by which authority it knows the other.
struct TlsIdentity {
  Certificate certificate;  ///< empty for a client that has none yet
  std::string authority;    ///< certificate, PEM
};

/// A server asks each client for a certificate of its authority, and lets in those that have none, too:
/// peer_certificate() tells. kInvalid for an identity that cannot be used.
Result<TlsContext> server_tls(const TlsIdentity& identity);

/// A client that talks to the controller of this authority and to nobody else, whatever address that has. kInvalid for
/// an identity that cannot be used.
Result<TlsContext> client_tls(const TlsIdentity& identity);

/// A client that does not know yet whom it talks to: for what may be seen by anybody.
Result<TlsContext> unverified_client_tls();

/// Of the client of a connection; verified.
struct PeerCertificate {
  std::string name;  ///< its common name
  WallTime ends;
};
std::optional<PeerCertificate> peer_certificate(const SSL* connection);

}  // namespace gust::protocol
