// Who is calling: HTTP Basic keys, each of one namespace: those of the controller's configuration, and stored ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace gust::openwhisk {

enum class Role : std::uint8_t {
  kClient,
  kOperator,  ///< may make keys for all namespaces
};

struct Caller {
  std::string namespace_name;
  Role role = Role::kClient;
};

/// Keys and their namespaces. Filled before the server starts, only read afterwards.
class KeyTable {
 public:
  /// `key` is "user:password", or a bare key (base/api_key.h says what that means).
  void add(std::string_view key, std::string namespace_name, Role role = Role::kClient);
  /// Whose "user:password" this is, in a time that depends neither on where keys differ nor on which one it is.
  [[nodiscard]] std::optional<Caller> find(std::string_view user_and_password) const;

 private:
  struct Entry {
    std::string digest;  ///< equal lengths for all keys, and no key in a core file
    Caller caller;
  };
  std::vector<Entry> entries_;
};

/// The same, of a table's keys and stored ones.
std::optional<Caller> find_caller(const KeyTable& keys, const store::KeyStore& stored,
                                  std::string_view user_and_password);

/// A new key: what is stored, and what only its user knows, "id:secret".
struct NewKey {
  store::Key stored;
  std::string text;
};
NewKey make_key(std::string owner);

/// The "user:password" of an Authorization header; absent when it is not well-formed Basic.
std::optional<std::string> basic_credentials(std::string_view authorization);

}  // namespace gust::openwhisk
