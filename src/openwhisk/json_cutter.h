// JSON text taken apart without being turned into values: who checks it and hands parts on has no use for them.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/json.h"

namespace gust::openwhisk {

/// Walks text that is known to be JSON.
class JsonCutter {
 public:
  explicit JsonCutter(std::string_view json) : json_(json) { skip_space(); }

  [[nodiscard]] char peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }
  /// Past one of the characters that stand between values: brackets, comma, colon.
  void step() {
    ++at_;
    skip_space();
  }
  /// One whole value.
  std::string_view value() {
    const std::size_t start = at_;
    switch (peek()) {
      case '"': skip_string(); break;
      case '{':
      case '[': skip_nested(); break;
      default: at_ = std::min(json_.find_first_of(" \t\r\n,]}", at_), json_.size());
    }
    const std::string_view text = json_.substr(start, at_ - start);
    skip_space();
    return text;
  }

 private:
  void skip_space() { at_ = std::min(json_.find_first_not_of(" \t\r\n", at_), json_.size()); }
  void skip_string() {
    ++at_;
    while (json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    ++at_;
  }
  void skip_nested() {
    int depth = 0;
    do {
      const char c = json_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (depth > 0);
  }

  std::string_view json_;
  std::size_t at_ = 0;
};

/// Calls `each(key, value)` with both texts for every member of an object that is known to be JSON; nothing for another
/// value. The key has its quotes.
template <class Each>
void for_each_member(std::string_view object, Each&& each) {
  JsonCutter cutter(object);
  if (cutter.peek() != '{') return;
  cutter.step();
  while (cutter.peek() == '"') {
    const std::string_view key = cutter.value();
    cutter.step();  // the colon
    each(key, cutter.value());
    if (cutter.peek() == ',') cutter.step();
  }
}

/// Calls `each(value)` with the text of every element of an array that is known to be JSON; nothing for another value.
template <class Each>
void for_each_element(std::string_view array, Each&& each) {
  JsonCutter cutter(array);
  if (cutter.peek() != '[') return;
  cutter.step();
  while (cutter.peek() != ']') {
    each(cutter.value());
    if (cutter.peek() == ',') cutter.step();
  }
}

/// Whether a key with its quotes is this name, however it is written.
inline bool is_key(std::string_view key, std::string_view name) {
  const bool plain = key.find('\\') == std::string_view::npos;
  return plain ? key.substr(1, key.size() - 2) == name : Json::parse(key) == name;
}

/// The text of a member of an object; the last one's where the name is repeated, as parsers have it.
inline std::optional<std::string_view> member_text(std::string_view object, std::string_view name) {
  std::optional<std::string_view> found;
  for_each_member(object, [&](std::string_view key, std::string_view value) {
    if (is_key(key, name)) found = value;
  });
  return found;
}

}  // namespace gust::openwhisk
