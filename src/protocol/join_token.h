// Join tokens: by what an invoker that has no certificate yet and its controller know each other. Pure functions.
//
// A token that a controller makes is "id.secret"; one of a configuration may be any text, and has the empty id.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gust::protocol {

/// Of the random bytes that an invoker sends, so that no answer to an earlier question will do.
inline constexpr std::size_t kJoinNonceBytes = 32;

/// The name on the controller's certificate, whatever address it has: its authority signs for nobody else.
inline constexpr const char* kControllerName = "gust-controller";

struct JoinToken {
  std::string id;
  std::string text;  ///< "id.secret", with 256 bits that nobody guesses
};
JoinToken make_join_token();

/// What may be said openly of a token: "id" of "id.secret", both in hex as make_join_token() writes them, else nothing.
std::string join_token_id(std::string_view token);

/// What a controller keeps of a token.
std::string join_token_digest(std::string_view token);

/// Shows that whoever made it knows the token's digest and means this authority (a certificate, PEM). The nonce has
/// kJoinNonceBytes.
std::string join_proof(std::string_view digest, std::string_view nonce, std::string_view authority);

}  // namespace gust::protocol
