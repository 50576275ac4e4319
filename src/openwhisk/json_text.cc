#include "openwhisk/json_text.h"

#include <algorithm>

namespace gust::openwhisk {

JsonText& JsonText::string(std::string_view value) {
  const bool plain = std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (!plain) return raw(dump_json(Json(value)));
  text_ += '"';
  text_ += value;
  text_ += '"';
  return *this;
}

JsonText& JsonText::stamp(WallTime time) {
  if (time == WallTime()) return raw("null");
  constexpr std::int64_t kMicros = 1'000'000;
  const std::int64_t micros = to_micros(time);
  number(micros / kMicros);
  char digits[8];
  std::to_chars(digits, digits + sizeof(digits), kMicros + micros % kMicros);
  digits[0] = '.';  // in place of the one that kept the leading zeros
  text_.append(digits, 7);
  return *this;
}

JsonText& JsonText::checked(std::string_view json) {
  if (Json::accept(json)) return raw(json);
  return raw(R"({"error":"the worker's result is not JSON; return a JSON value"})");
}

}  // namespace gust::openwhisk
