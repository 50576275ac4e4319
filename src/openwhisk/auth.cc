#include "openwhisk/auth.h"

#include <strings.h>

#include "base/api_key.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace gust::openwhisk {

void KeyTable::add(std::string_view key, std::string namespace_name, Role role) {
  entries_.push_back({sha256_hex(normalise_api_key(key)), {.namespace_name = std::move(namespace_name), .role = role}});
}

std::optional<Caller> KeyTable::find(std::string_view user_and_password) const {
  const std::string digest = sha256_hex(user_and_password);
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (constant_time_equal(entry.digest, digest)) found = &entry;
  }
  if (found == nullptr) return std::nullopt;
  return found->caller;
}

std::optional<Caller> find_caller(const KeyTable& keys, const store::KeyStore& stored,
                                  std::string_view user_and_password) {
  if (auto caller = keys.find(user_and_password)) return caller;
  // Ids are no secret: how long it takes to find one may tell that it exists.
  const auto key = stored.get({}, user_and_password.substr(0, user_and_password.find(':')));
  if (!key || !constant_time_equal((*key)->digest, sha256_hex(user_and_password))) return std::nullopt;
  return Caller{.namespace_name = (*key)->owner, .role = Role::kClient};
}

NewKey make_key(std::string owner) {
  NewKey key;
  key.stored.name = random_hex_id();
  key.stored.owner = std::move(owner);
  key.text = key.stored.name + ":" + random_hex_id() + random_hex_id();  // 256 bits that nobody guesses
  key.stored.digest = sha256_hex(key.text);
  return key;
}

std::optional<std::string> basic_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() < kScheme.size() || strncasecmp(authorization.data(), kScheme.data(), kScheme.size()) != 0) {
    return std::nullopt;
  }
  auto decoded = base64_decode(authorization.substr(kScheme.size()));
  if (!decoded || decoded->find(':') == std::string::npos) return std::nullopt;
  return std::move(*decoded);
}

}  // namespace gust::openwhisk
