// HTTP requests and responses as plain values, so that routes need not know the library.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gust::http {

/// Names are compared without case.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string path = "/";  ///< percent-decoding is left to the router: segments may hold encoded slashes
  std::map<std::string, std::string, std::less<>> query = {};  ///< decoded; the last of repeated names
  Headers headers = {};
  std::string body = {};

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  Headers headers = {};
  std::string body = {};

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

}  // namespace gust::http
