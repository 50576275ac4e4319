#include "openwhisk/lithops_payload.h"

#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <unordered_set>

#include "openwhisk/json_cutter.h"

namespace gust::openwhisk {

namespace {

constexpr std::string_view kCallIds = "call_ids";
/// Where the calls' data is: ranges of an object in storage, or the data itself.
constexpr std::array<std::string_view, 2> kDataNames = {"data_byte_ranges", "data_byte_strs"};

struct Payload {
  std::string common;  ///< the members that all calls have in common, each with a comma behind it
  std::optional<std::string_view> call_ids;
  std::array<std::optional<std::string_view>, 2> data;  ///< as kDataNames
};

/// Parsers take the last of several members with one name; so does this.
Payload take_apart(std::string_view body, const Json& action_parameters) {
  Payload payload;
  payload.common.reserve(body.size());
  std::unordered_set<std::string> names;
  for_each_member(body, [&](std::string_view key, std::string_view value) {
    if (is_key(key, kCallIds)) {
      payload.call_ids = value;
      return;
    }
    for (std::size_t i = 0; i < kDataNames.size(); ++i) {
      if (!is_key(key, kDataNames[i])) continue;
      payload.data[i] = value == "null" ? std::nullopt : std::optional(value);
      return;
    }
    payload.common.append(key).append(":").append(value).append(",");
    if (!action_parameters.empty()) names.insert(Json::parse(key).get<std::string>());
  });
  for (const Json& parameter : action_parameters) {
    const std::string name = parameter.at("key").get<std::string>();
    if (names.contains(name)) continue;
    payload.common += dump_json(name) + ":" + dump_json(parameter.value("value", Json())) + ",";
  }
  return payload;
}

Result<std::vector<std::string_view>> elements(std::string_view name, const std::optional<std::string_view>& array) {
  std::vector<std::string_view> texts;
  if (!array || !array->starts_with('[')) {
    return fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" is {}: with lithops=true the body is a payload of Lithops, whose \"call_ids\" and "
                            "\"data_byte_ranges\" or \"data_byte_strs\" have one entry for each worker",
                            name, array ? "not an array" : "missing"));
  }
  for_each_element(*array, [&](std::string_view text) { texts.push_back(text); });
  return texts;
}

}  // namespace

Result<std::vector<std::string>> lithops_params(std::string_view body, const Json& action_parameters) {
  GUST_TRY_VOID(check_json(body, "the body"));
  const Payload payload = take_apart(body, action_parameters);
  const std::vector<std::string_view> call_ids = GUST_TRY(elements(kCallIds, payload.call_ids));
  if (call_ids.empty()) return fail(ErrorCode::kInvalid, "a flare needs at least one worker: \"call_ids\" is empty");
  if (payload.data[0] && payload.data[1]) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the payload has both \"{}\" and \"{}\": one of them says where the calls' data is",
                            kDataNames[0], kDataNames[1]));
  }
  const std::size_t which = payload.data[1] ? 1 : 0;
  const std::vector<std::string_view> data = GUST_TRY(elements(kDataNames[which], payload.data[which]));
  if (data.size() != call_ids.size()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("\"call_ids\" has {} entries and \"{}\" {}: there must be one for each "
                            "call",
                            call_ids.size(), kDataNames[which], data.size()));
  }
  const std::uint64_t common = payload.common.size() + kCallIds.size() + kDataNames[which].size() + 16;
  if (common * call_ids.size() + body.size() > kMaxLithopsPayloads.count()) {
    return fail(
        ErrorCode::kTooLarge,
        fmt::format("{} payloads with {} in common exceed the limit of {}: send the calls in several bursts, or "
                    "put what is large into storage",
                    call_ids.size(), to_string(Bytes(common)), to_string(kMaxLithopsPayloads)));
  }
  std::vector<std::string> payloads;
  payloads.reserve(call_ids.size());
  for (std::size_t i = 0; i < call_ids.size(); ++i) {
    std::string& text = payloads.emplace_back();
    text.reserve(common + call_ids[i].size() + data[i].size());
    text.append("{").append(payload.common).append("\"").append(kCallIds).append("\":[").append(call_ids[i]);
    text.append("],\"").append(kDataNames[which]).append("\":[").append(data[i]).append("]}");
  }
  return payloads;
}

}  // namespace gust::openwhisk
