#include "http/wire.h"

#include <algorithm>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <ctime>
#include <fmt/format.h>

namespace gust::http {
namespace {

bool is_control(unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; }

bool is_value(std::string_view text) { return std::ranges::none_of(text, is_control); }

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return c > ' ' && c < 0x7f && !std::string_view("()<>@,;:\\\"/[]?={}").contains(static_cast<char>(c));
  });
}

/// A line break in a value would let its author write headers of their own.
std::string without_controls(std::string_view value) {
  std::string out(value);
  std::ranges::replace_if(out, is_control, ' ');
  return out;
}

/// The date as HTTP wants it; formatted once a second.
std::string_view http_date() {
  struct Cache {
    std::time_t second = 0;
    char text[32] = {};
    std::size_t size = 0;
  };
  thread_local Cache cache;
  const std::time_t now = std::time(nullptr);
  if (now != cache.second) {
    std::tm parts = {};
    gmtime_r(&now, &parts);
    cache.size = std::strftime(cache.text, sizeof cache.text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    cache.second = now;
  }
  return {cache.text, cache.size};
}

}  // namespace

Headers headers_of(const boost::beast::http::fields& fields) {
  Headers headers;
  for (const auto& field : fields) {
    headers.emplace_back(std::string_view(field.name_string()), std::string_view(field.value()));
  }
  return headers;
}

bool may_have_body(unsigned status) { return status != 204 && status != 304; }

std::string response_head(const Response& response, unsigned version, After after) {
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status));
  std::string head;
  head.reserve(256);
  auto out = std::back_inserter(head);
  fmt::format_to(out, "HTTP/1.{} {} {}\r\nServer: gust\r\nDate: {}\r\n", version % 10, response.status,
                 std::string_view(reason), http_date());
  if (may_have_body(response.status)) {
    if (!response.content_type.empty()) {
      fmt::format_to(out, "Content-Type: {}\r\n", without_controls(response.content_type));
    }
    fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
  }
  for (const auto& [name, value] : response.headers) {
    if (is_token(name)) fmt::format_to(out, "{}: {}\r\n", name, without_controls(value));
  }
  if (after == After::kClose) {
    head += "Connection: close\r\n";
  } else if (version == 10) {
    head += "Connection: keep-alive\r\n";
  }
  return head += "\r\n";
}

Result<std::string> request_head(const Request& request, std::string_view target, std::string_view host,
                                 std::string_view authorization, After after) {
  if (!is_token(request.method)) {
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is not an HTTP method", request.method));
  }
  if (!target.starts_with('/') || !is_value(target) || target.find_first_of(" \t") != std::string_view::npos) {
    return fail(ErrorCode::kInvalid, fmt::format("path '{}' must start with '/' and hold neither spaces nor control "
                                                 "characters; percent-encode its segments",
                                                 request.path));
  }
  std::string head =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: gust\r\nAccept: */*\r\n", request.method, target, host);
  if (!authorization.empty()) head += fmt::format("Authorization: {}\r\n", authorization);
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_value(value)) {
      return fail(ErrorCode::kInvalid, fmt::format("header '{}' holds characters that HTTP does not allow", name));
    }
    head += fmt::format("{}: {}\r\n", name, value);
  }
  if (!request.body.empty() && !request.header("Content-Type")) head += "Content-Type: application/json\r\n";
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
    head += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  if (after == After::kClose) head += "Connection: close\r\n";
  return head += "\r\n";
}

}  // namespace gust::http
