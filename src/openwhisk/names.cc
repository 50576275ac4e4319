#include "openwhisk/names.h"

#include <algorithm>
#include <fmt/format.h>

namespace gust::openwhisk {

namespace {

constexpr std::size_t kLongestName = 256;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

Result<void> check_name(std::string_view name) {
  const auto allowed = [](char c) { return is_word(c) || std::string_view("@.-: ").contains(c); };
  if (!name.empty() && name.size() <= kLongestName && is_word(name.front()) && name.back() != ' ' &&
      std::ranges::all_of(name, allowed)) {
    return {};
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("\"{}\" is not a valid name: use letters, digits, _ @ . - : and inner spaces, begin with a "
                          "letter, a digit or _, and stay within {} characters",
                          name.substr(0, kLongestName), kLongestName));
}

bool is_minor_version(std::string_view text, const Kind& kind) {
  if (!kind.has_minor_versions || !text.starts_with(kind.name)) return false;
  text.remove_prefix(kind.name.size());
  return text.size() > 1 && text.size() <= 4 && text.front() == '.' &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

Result<Kind> find_kind(std::string_view text) {
  std::string existing;
  for (const Kind& kind : kKinds) {
    if (text == kind.name || text == fmt::format("{}:default", kind.family) || is_minor_version(text, kind))
      return kind;
    existing += existing.empty() ? "" : ", ";
    existing += kind.name;
  }
  return fail(ErrorCode::kInvalid, fmt::format("kind \"{}\" does not exist here; the kinds are: {}", text, existing));
}

bool is_foreign_kind(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto allowed = [](char c) { return is_word(c) || c == '.' || c == '-'; };
  return colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() && text.size() <= kLongestName &&
         std::ranges::all_of(text.substr(0, colon), allowed) && std::ranges::all_of(text.substr(colon + 1), allowed);
}

Result<EntityPath> parse_entity_path(std::string_view text) {
  EntityPath path;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    path.package = text.substr(0, slash);
    GUST_TRY_VOID(check_name(path.package));
  }
  path.name = text.substr(slash == std::string_view::npos ? 0 : slash + 1);
  GUST_TRY_VOID(check_name(path.name));
  return path;
}

}  // namespace gust::openwhisk
