#include "openwhisk/auth.h"

#include <strings.h>

#include "base/api_key.h"
#include "base/encoding.h"

namespace gust::openwhisk {

void KeyTable::add(std::string_view key, std::string namespace_name) {
  entries_.push_back({sha256_hex(normalise_api_key(key)), std::move(namespace_name)});
}

std::optional<std::string> KeyTable::find(std::string_view user_and_password) const {
  const std::string digest = sha256_hex(user_and_password);
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (constant_time_equal(entry.digest, digest)) found = &entry;
  }
  if (found == nullptr) return std::nullopt;
  return found->namespace_name;
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
