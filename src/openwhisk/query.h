// Values in a request's query. All errors are kInvalid and name the parameter, its value and what would be right.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace gust::openwhisk {

/// "true" or "True", "false" or "False"; absent is false.
Result<bool> query_flag(const http::Request& request, std::string_view name);

/// Seconds, fractions allowed, at most `longest`; absent is zero.
Result<std::chrono::milliseconds> query_seconds(const http::Request& request, std::string_view name,
                                                std::chrono::seconds longest);

/// A whole number of minimum..maximum; absent where the query does not have it.
Result<std::optional<std::uint64_t>> query_number(const http::Request& request, std::string_view name,
                                                  std::uint64_t minimum, std::uint64_t maximum);

/// Which part of a list is wanted. OpenWhisk's rules: `limit` is 30 when absent, and 0 means the most, 200.
struct Page {
  std::size_t skip = 0;
  std::size_t limit = 30;
};
Result<Page> query_page(const http::Request& request);

/// A page, or with `count` only how many there are behind what is skipped.
struct Listing {
  Page page;
  bool count = false;
};
Result<Listing> query_listing(const http::Request& request);

}  // namespace gust::openwhisk
