// What actions may be called, and which kinds of code there are.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::openwhisk {

/// One kind of action. "family:default" stands for the kind of its family in requests.
struct Kind {
  std::string_view family;
  std::string_view name;
};
inline constexpr std::array<Kind, 1> kKinds = {Kind{.family = "cpp", .name = "cpp:1"}};

/// The kind that a request's text means. kInvalid, naming those that exist.
Result<Kind> find_kind(std::string_view text);

/// "name" or "package/name", taken apart.
struct EntityPath {
  std::string package;  ///< empty for the default package
  std::string name;
};

/// OpenWhisk's rule for names: letters, digits, "_", "@", ".", "-" and inner spaces; the first a letter, digit or "_";
/// at most 256 characters. kInvalid, saying so.
Result<EntityPath> parse_entity_path(std::string_view text);

}  // namespace gust::openwhisk
