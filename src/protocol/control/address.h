// Where controllers listen for their invokers: "unix:/path" or "host:port".
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <optional>
#include <string>
#include <variant>

#include "base/config.h"
#include "base/result.h"

namespace gust::protocol {

using Endpoint = boost::asio::generic::stream_protocol::endpoint;

/// A Unix socket or an address in figures is an endpoint; a name is still to be resolved. kInvalid for anything else.
Result<std::variant<Endpoint, HostPort>> read_address(const std::string& address);

/// The path in "unix:/path"; nothing for other addresses.
std::optional<std::string> unix_path(const std::string& address);

}  // namespace gust::protocol
