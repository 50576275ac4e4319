// OpenSSL's contexts as the server and the client want them. Inside the module only.
#pragma once

#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/tls.h"

namespace gust::http {

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

}  // namespace gust::http
