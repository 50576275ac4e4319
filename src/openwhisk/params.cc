#include "openwhisk/params.h"

#include <fmt/format.h>
#include <optional>

#include "openwhisk/json_cutter.h"

namespace gust::openwhisk {

namespace {

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

}  // namespace

Result<std::string> single_params(std::string_view body, const Json& action_parameters) {
  if (body.empty()) return over_defaults("{}", action_parameters);
  GUST_TRY_VOID(check_json(body, "the body"));
  JsonCutter cutter(body);
  if (cutter.peek() == 'n') return over_defaults("{}", action_parameters);  // null: as some clients say nothing
  if (cutter.peek() != '{') {
    return fail(ErrorCode::kInvalid, "the body is not a JSON object: send {\"name\": value, …}, or nothing");
  }
  return over_defaults(cutter.value(), action_parameters);
}

Result<std::vector<std::string>> burst_params(std::string_view body, const Json& action_parameters) {
  GUST_TRY_VOID(check_json(body, "the body"));
  const auto array = member_text(body, "value");
  if (!array || !array->starts_with('[')) {
    return fail(ErrorCode::kInvalid, fmt::format("\"value\" is {}: a flare's body is {{\"value\": [params, …]}}, with "
                                                 "one entry for each worker",
                                                 array ? "not an array" : "missing"));
  }
  std::vector<std::string> params;
  for_each_element(*array, [&](std::string_view text) { params.push_back(over_defaults(text, action_parameters)); });
  if (params.empty()) return fail(ErrorCode::kInvalid, "a flare needs at least one worker: \"value\" is empty");
  return params;
}

}  // namespace gust::openwhisk
