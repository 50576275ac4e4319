#include "openwhisk/entity_body.h"

#include <algorithm>
#include <fmt/format.h>

#include "openwhisk/names.h"

namespace gust::openwhisk {

namespace {

constexpr std::size_t kLongestShownValue = 100;

Result<void> check_pairs(std::string_view member, const Json& pairs) {
  const auto is_pair = [](const Json& pair) {
    return pair.is_object() && pair.contains("key") && pair.at("key").is_string();
  };
  if (pairs.is_array() && std::ranges::all_of(pairs, is_pair)) return {};
  return wrong_member(member, pairs, R"(an array of {"key": "…", "value": …})");
}

}  // namespace

Result<Json> parse_body(std::string_view text) {
  Json body = GUST_TRY(parse_json(text.empty() ? "{}" : text, "the body"));
  if (!body.is_object()) return fail(ErrorCode::kInvalid, "the body is not a JSON object");
  return body;
}

const Json* find_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::unexpected<Error> wrong_member(std::string_view member, const Json& value, std::string_view right) {
  return fail(ErrorCode::kInvalid,
              fmt::format("{} is {}; it must be {}", member, dump_json(value).substr(0, kLongestShownValue), right));
}

Result<void> apply_entity_body(const Json& body, store::Entity& entity, Json& parameters) {
  if (const Json* given = find_member(body, "parameters")) {
    GUST_TRY_VOID(check_pairs("parameters", *given));
    parameters = *given;
  }
  return apply_entity_body(body, entity);
}

Result<void> apply_entity_body(const Json& body, store::Entity& entity) {
  if (const Json* annotations = find_member(body, "annotations")) {
    GUST_TRY_VOID(check_pairs("annotations", *annotations));
    entity.annotations = *annotations;
  }
  if (const Json* publish = find_member(body, "publish")) {
    if (!publish->is_boolean()) return wrong_member("publish", *publish, "true or false");
    entity.publish = publish->get<bool>();
  }
  return {};
}

Json merge_parameters(const Json& under, const Json& over) {
  Json merged = under;
  for (const Json& parameter : over) {
    const auto same =
        std::ranges::find_if(merged, [&](const Json& existing) { return existing.at("key") == parameter.at("key"); });
    if (same == merged.end()) {
      merged.push_back(parameter);
    } else {
      *same = parameter;
    }
  }
  return merged;
}

Result<std::string> read_reference(std::string_view member, const Json& value, std::string_view own_namespace) {
  std::string text;
  if (value.is_string()) {
    text = value.get<std::string>();
  } else if (value.is_object() && value.contains("name") && value.at("name").is_string() &&
             value.value("path", Json("_")).is_string()) {
    text = fmt::format("/{}/{}", value.value("path", "_"), value.at("name").get<std::string>());
  } else {
    return wrong_member(member, value, R"(a name such as "/_/hello")");
  }
  std::string_view path = text;
  const auto slashes = std::ranges::count(path, '/');
  if (path.starts_with('/') || slashes == 2) {
    if (path.starts_with('/')) path.remove_prefix(1);
    const std::size_t slash = path.find('/');
    const std::string_view name_space = path.substr(0, slash);
    if (slash == std::string_view::npos) return wrong_member(member, value, R"(a name such as "/_/hello")");
    if (name_space != "_" && name_space != own_namespace) {
      return fail(ErrorCode::kDenied,
                  fmt::format("{} is {}, in another namespace than '{}': this key has no right to it", member,
                              dump_json(value).substr(0, kLongestShownValue), own_namespace));
    }
    path.remove_prefix(slash + 1);
  }
  const auto parsed = parse_entity_path(path);
  if (!parsed) return std::unexpected(parsed.error().while_doing(member));
  return std::string(path);
}

}  // namespace gust::openwhisk
