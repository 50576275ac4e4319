// Where a Redis server is, and how to be let in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::transport::redis {

struct Address {
  std::string host;  ///< a name or a numeric address, IPv6 without brackets
  std::uint16_t port = 6379;
  std::string user;
  std::string password;
  std::uint32_t database = 0;

  /// "127.0.0.1:6379": for people, without secrets.
  [[nodiscard]] std::string text() const;
};

/// Reads redis://[[user]:password@]host[:port][/db]; user and password may have %XX. kInvalid, never quoting the
/// password.
Result<Address> parse_address(std::string_view uri);

}  // namespace gust::transport::redis
