#include "openwhisk/query.h"

#include <charconv>
#include <fmt/format.h>
#include <limits>

namespace gust::openwhisk {

namespace {
constexpr std::uint64_t kMostPerPage = 200;
constexpr std::uint64_t kNoMaximum = std::numeric_limits<std::int64_t>::max();
}  // namespace

Result<bool> query_flag(const http::Request& request, std::string_view name) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return false;
  const std::string& value = found->second;
  if (value == "true" || value == "True") return true;
  if (value == "false" || value == "False") return false;
  return fail(ErrorCode::kInvalid, fmt::format("{}={} is neither true nor false", name, value));
}

Result<std::optional<std::uint64_t>> query_number(const http::Request& request, std::string_view name,
                                                  std::uint64_t minimum, std::uint64_t maximum) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::nullopt;
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= minimum && value <= maximum) return value;
  if (maximum == kNoMaximum) {
    return fail(ErrorCode::kInvalid, fmt::format("{}={} is not a whole number of at least {}", name, text, minimum));
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("{}={} is not a whole number of {} to {}", name, text, minimum, maximum));
}

Result<std::chrono::milliseconds> query_seconds(const http::Request& request, std::string_view name,
                                                std::chrono::seconds longest) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::chrono::milliseconds(0);
  const std::string& text = found->second;
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && seconds >= 0 &&
      seconds <= static_cast<double>(longest.count())) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("{}={} is not a number of seconds from 0 to {}", name, text, longest.count()));
}

Result<Page> query_page(const http::Request& request) {
  Page page;
  page.limit = GUST_TRY(query_number(request, "limit", 0, kMostPerPage)).value_or(page.limit);
  if (page.limit == 0) page.limit = kMostPerPage;
  page.skip = GUST_TRY(query_number(request, "skip", 0, kNoMaximum)).value_or(0);
  return page;
}

Result<Listing> query_listing(const http::Request& request) {
  Listing listing;
  listing.page = GUST_TRY(query_page(request));
  listing.count = GUST_TRY(query_flag(request, "count"));
  return listing;
}

}  // namespace gust::openwhisk
