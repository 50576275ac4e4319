#include "http/message.h"

#include <strings.h>

namespace gust::http {
namespace {

std::optional<std::string_view> find(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const { return find(headers, name); }

std::optional<std::string_view> Response::header(std::string_view name) const { return find(headers, name); }

}  // namespace gust::http
