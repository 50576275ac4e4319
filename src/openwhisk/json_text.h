// JSON written straight into a string, without a tree of values in between: a flare of 960 workers is rendered while
// its client waits, and on the controller's strand.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"

namespace gust::openwhisk {

/// Appends; the caller writes the punctuation. Each call returns *this.
class JsonText {
 public:
  explicit JsonText(std::size_t expected_size = 256) { text_.reserve(expected_size); }

  /// Text that is JSON already.
  JsonText& raw(std::string_view json) {
    text_ += json;
    return *this;
  }
  template <std::integral Number>
  JsonText& number(Number value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    text_.append(digits, end);
    return *this;
  }
  JsonText& boolean(bool value) { return raw(value ? "true" : "false"); }
  /// Quoted and escaped; bytes that are not UTF-8 are replaced.
  JsonText& string(std::string_view value);
  JsonText& json(const Json& value) { return raw(dump_json(value)); }
  /// Unix seconds with six decimals, null for an absent stamp.
  JsonText& stamp(WallTime time);
  /// Text that user code calls JSON: written as it is when it is, and as {"error": …} when not.
  JsonText& checked(std::string_view json);
  /// A comma, unless this is the first of its list. `first` is then false.
  JsonText& next(bool& first) {
    if (!first) text_ += ',';
    first = false;
    return *this;
  }

  [[nodiscard]] const std::string& str() const { return text_; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace gust::openwhisk
