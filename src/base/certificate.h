// Certificates (X.509) over OpenSSL: an authority, what it signs, and what a certificate says. All keys are ECDSA
// P-256, all texts PEM. None of this blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace gust {

/// PEM texts: a certificate, with what links it to an authority behind it, and its private key without a passphrase.
struct Certificate {
  std::string chain;
  std::string private_key;
};

/// A certificate begins to be valid so long before it is made: a clock that is behind ours must not refuse it.
inline constexpr std::chrono::minutes kCertificateSkew{5};

/// The longest common name that a certificate may have (RFC 5280).
inline constexpr std::size_t kMaxCommonName = 64;

/// What a certificate is good for; it is refused for anything else.
enum class CertificateUse : std::uint8_t { kServer, kClient };

struct CertificateTerms {
  std::string common_name;  ///< UTF-8 without control characters, at most kMaxCommonName bytes
  /// DNS names and addresses that it is for.
  std::vector<std::string> names;
  CertificateUse use = CertificateUse::kServer;
  std::chrono::seconds life{0};                 ///< from now on
  std::chrono::seconds skew{kCertificateSkew};  ///< before now
};

/// A new key.
Result<std::string> make_private_key();

/// An authority of its own making, which may sign for `life`.
Result<Certificate> make_authority(std::string_view common_name, std::chrono::seconds life);

/// A certificate that vouches for itself. kInvalid names what is wrong with the terms.
Result<Certificate> make_self_signed(const CertificateTerms& terms);

/// What the holder of a key sends to an authority: the public key, and proof that the private one is there.
Result<std::string> make_certificate_request(std::string_view private_key);

/// Signs a request. Of what the request says only the key counts. kInvalid for what is no request for a P-256 key with
/// a valid signature, and for wrong terms.
Result<std::string> sign_certificate(const Certificate& authority, std::string_view request,
                                     const CertificateTerms& terms);

struct CertificateFacts {
  std::string common_name;
  WallTime not_before;
  WallTime not_after;
  bool is_authority = false;
  std::string fingerprint;  ///< SHA-256 of the certificate, hex
};

/// What the first certificate of a text says; nothing of it is verified. kInvalid when there is none.
Result<CertificateFacts> read_certificate(std::string_view pem);

/// Whether the first certificate of a text is for this DNS name or address. False when there is none.
[[nodiscard]] bool is_certificate_for(std::string_view pem, const std::string& name);

/// When a certificate should be replaced by a new one: after two thirds of its life, skew not counted.
WallTime renewal_time(const CertificateFacts& facts);

/// The first certificate of a text, and the private key in the same or another one: kInvalid says what is missing, or
/// that they do not belong together.
Result<Certificate> read_key_pair(std::string_view chain, std::string_view private_key);

}  // namespace gust
