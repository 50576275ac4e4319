#include "openwhisk/params.h"

#include <fmt/format.h>
#include <optional>

namespace gust::openwhisk {

namespace {

/// Walks text that is known to be JSON.
class Cutter {
 public:
  explicit Cutter(std::string_view json) : json_(json) { skip_space(); }

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

/// The action's own parameters, overlaid with those of a JSON object; other values stay as they are.
std::string over_defaults(std::string_view params, const Json& action_parameters) {
  if (action_parameters.empty() || !params.starts_with('{')) return std::string(params);
  Json merged = Json::object();
  for (const Json& parameter : action_parameters) {
    merged[parameter.at("key").get<std::string>()] = parameter.value("value", Json());
  }
  merged.update(Json::parse(params));
  return dump_json(merged);
}

/// The text of a member of an object; the last one's where the name is repeated, as parsers have it.
std::optional<std::string_view> find_member(std::string_view object, std::string_view name) {
  std::optional<std::string_view> found;
  Cutter cutter(object);
  if (cutter.peek() != '{') return found;
  cutter.step();
  while (cutter.peek() == '"') {
    const std::string_view key = cutter.value();
    cutter.step();  // the colon
    const std::string_view value = cutter.value();
    const bool plain = key.find('\\') == std::string_view::npos;
    if (plain ? key.substr(1, key.size() - 2) == name : Json::parse(key) == name) found = value;
    if (cutter.peek() == ',') cutter.step();
  }
  return found;
}

}  // namespace

Result<std::string> single_params(std::string_view body, const Json& action_parameters) {
  if (body.empty()) return over_defaults("{}", action_parameters);
  GUST_TRY_VOID(check_json(body, "the body"));
  Cutter cutter(body);
  if (cutter.peek() != '{') {
    return fail(ErrorCode::kInvalid, "the body is not a JSON object: send {\"name\": value, …}, or nothing");
  }
  return over_defaults(cutter.value(), action_parameters);
}

Result<std::vector<std::string>> burst_params(std::string_view body, const Json& action_parameters) {
  GUST_TRY_VOID(check_json(body, "the body"));
  const auto array = find_member(body, "value");
  if (!array || !array->starts_with('[')) {
    return fail(ErrorCode::kInvalid, fmt::format("\"value\" is {}: a flare's body is {{\"value\": [params, …]}}, with "
                                                 "one entry for each worker",
                                                 array ? "not an array" : "missing"));
  }
  std::vector<std::string> params;
  Cutter cutter(*array);
  cutter.step();
  while (cutter.peek() != ']') {
    params.push_back(over_defaults(cutter.value(), action_parameters));
    if (cutter.peek() == ',') cutter.step();
  }
  if (params.empty()) return fail(ErrorCode::kInvalid, "a flare needs at least one worker: \"value\" is empty");
  return params;
}

}  // namespace gust::openwhisk
