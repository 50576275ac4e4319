// What actions may be called, and which kinds of code there are.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::openwhisk {

/// What exec.code may hold: base64 of bytes only, or source text, too.
enum class CodeText : std::uint8_t { kBase64, kSource };

inline constexpr std::string_view kBlackbox = "blackbox";

/// One kind of action. In requests "family:default" stands for the kind of its family, and so do its minor versions
/// ("python:3.9") where it has such: the code runs in whatever the container has.
struct Kind {
  std::string_view family;
  std::string_view name;
  CodeText text;
  bool has_minor_versions;
  std::string_view code;  ///< what exec.code is, for people
};
inline constexpr std::array<Kind, 4> kKinds = {
    Kind{.family = "cpp",
         .name = "cpp:1",
         .text = CodeText::kBase64,
         .has_minor_versions = false,
         .code = "a shared object in base64"},
    Kind{.family = "python",
         .name = "python:3",
         .text = CodeText::kSource,
         .has_minor_versions = true,
         .code = "source text, or a zip archive with __main__.py in base64"},
    // Runs in the image that it names, or in what the setting runtimes has in its place.
    Kind{.family = "blackbox",
         .name = kBlackbox,
         .text = CodeText::kSource,
         .has_minor_versions = false,
         .code = "a zip archive with __main__.py or exec in base64, or what the image's server takes"},
    Kind{.family = "native",
         .name = "native",
         .text = CodeText::kSource,
         .has_minor_versions = false,
         .code = "a script, or an executable or a zip archive with exec in base64"}};

/// The kind that a request's text means. kInvalid, naming those that exist.
Result<Kind> find_kind(std::string_view text);

/// Whether this could be a kind of another system's, "family:version", such as "rust:1.34".
bool is_foreign_kind(std::string_view text);

/// "name" or "package/name", taken apart.
struct EntityPath {
  std::string package;  ///< empty for the default package
  std::string name;
};

/// OpenWhisk's rule for names: letters, digits, "_", "@", ".", "-" and inner spaces; the first a letter, digit or "_";
/// at most 256 characters. And ":", but as the first: Lithops calls its package by the first five characters of the
/// key, "lithops_user:" for "user:secret". kInvalid, saying so.
Result<EntityPath> parse_entity_path(std::string_view text);

}  // namespace gust::openwhisk
