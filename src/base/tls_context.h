// OpenSSL's contexts for servers and clients.
#pragma once

#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>

#include "base/certificate.h"
#include "base/result.h"

namespace gust {

/// Shared by all connections of a server or client; OpenSSL counts its users itself as well.
using TlsContext = std::shared_ptr<SSL_CTX>;

/// TLS 1.2 and 1.3. kInvalid when the certificate and the key are wrong or do not belong together.
Result<TlsContext> make_server_context(const Certificate& certificate);

enum class Trust : std::uint8_t {
  kGiven,    ///< only the certificates in the PEM text
  kSystem,   ///< the system's; reading them takes tens of milliseconds
  kAnybody,  ///< no check
};

/// kInvalid when the PEM text holds no certificate.
Result<TlsContext> make_client_context(Trust trust, std::string_view trusted_chain_pem);

/// What this end proves itself with; servers have theirs already. kInvalid as make_server_context().
Result<void> present_certificate(const TlsContext& context, const Certificate& certificate);

/// A server asks its clients for a certificate of this authority (PEM), and lets in those that have none, too. kInvalid
/// when the text holds no certificate.
Result<void> ask_for_certificates(const TlsContext& context, std::string_view authority_pem);

}  // namespace gust
