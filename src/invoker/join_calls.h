// The calls by which an invoker gets a certificate. They block, for a few seconds at the most, until they are answered
// or asked to stop.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "protocol/control/tls.h"

namespace gust::invoker {

struct JoinOrder {
  std::string target;
  std::string token;
  std::string name;
};

/// A first certificate, by a token. The token itself goes only to a controller that has proved that it knows it.
/// Errors: kDenied (the token is wrong, expired or not there; or what listens does not know it), kInvalid (the name
/// cannot be in a certificate; the controller speaks without TLS), kVersionMismatch, kUnavailable.
Result<protocol::TlsIdentity> join(const JoinOrder& order, const std::stop_token& stop);

/// The next certificate, by the present one. Errors as of join().
Result<protocol::TlsIdentity> renew(const std::string& target, const protocol::TlsIdentity& identity,
                                    const std::stop_token& stop);

/// What listens there. Nothing of it is verified: good for a sentence, not for a decision to trust.
struct Sight {
  enum class Speaks : std::uint8_t { kNothing, kPlain, kTls };
  Speaks speaks = Speaks::kNothing;
  std::string authority;  ///< certificate, PEM; with kTls
};
Sight look_at(const std::string& target, const std::stop_token& stop);

}  // namespace gust::invoker
