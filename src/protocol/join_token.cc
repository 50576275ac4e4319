#include "protocol/join_token.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"

namespace gust::protocol {

namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kSecretDigits = 64;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

JoinToken make_join_token() {
  std::string id = random_hex_id();
  std::string text = id + "." + random_hex_id() + random_hex_id();
  return {.id = std::move(id), .text = std::move(text)};
}

std::string join_token_id(std::string_view token) {
  const bool made = token.size() == kIdDigits + 1 + kSecretDigits && token[kIdDigits] == '.' &&
                    is_hex(token.substr(0, kIdDigits)) && is_hex(token.substr(kIdDigits + 1));
  return std::string(made ? token.substr(0, kIdDigits) : std::string_view());
}

std::string join_token_digest(std::string_view token) { return sha256_hex(token); }

std::string join_proof(std::string_view digest, std::string_view nonce, std::string_view authority) {
  std::string message = "gust join 1\n";
  message += nonce;
  message += authority;
  return hmac_sha256(digest, message);
}

}  // namespace gust::protocol
