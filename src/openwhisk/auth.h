// Who is calling: HTTP Basic keys, each of one namespace.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gust::openwhisk {

/// Keys and their namespaces. Filled before the server starts, only read afterwards.
class KeyTable {
 public:
  /// `key` is "user:password", or a bare key (base/api_key.h says what that means).
  void add(std::string_view key, std::string namespace_name);
  /// The namespace of "user:password", in a time that depends neither on where keys differ nor on which one it is.
  [[nodiscard]] std::optional<std::string> find(std::string_view user_and_password) const;

 private:
  struct Entry {
    std::string digest;  ///< equal lengths for all keys, and no key in a core file
    std::string namespace_name;
  };
  std::vector<Entry> entries_;
};

/// The "user:password" of an Authorization header; absent when it is not well-formed Basic.
std::optional<std::string> basic_credentials(std::string_view authorization);

}  // namespace gust::openwhisk
