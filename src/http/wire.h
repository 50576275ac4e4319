// Between the library's messages and ours, and our messages' heads as text. Inside the module only.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace gust::http {

/// A body of up to so many bytes goes out with its head, in one write and one TLS record.
constexpr std::size_t kJoinedBody = 12 << 10;

Headers headers_of(const boost::beast::http::fields& fields);

enum class After : std::uint8_t { kKeep, kClose };

/// The status line and the headers of a response. 204 and 304 have no body, whatever the response says.
std::string response_head(const Response& response, unsigned version, After after);
[[nodiscard]] bool may_have_body(unsigned status);

/// The request line and the headers. kInvalid if a part holds what would break the message apart.
Result<std::string> request_head(const Request& request, std::string_view target, std::string_view host,
                                 std::string_view authorization, After after);

}  // namespace gust::http
