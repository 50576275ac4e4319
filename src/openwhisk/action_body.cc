#include "openwhisk/action_body.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "base/json.h"
#include "openwhisk/action_code.h"

namespace gust::openwhisk {

namespace {

constexpr std::size_t kLongestShownValue = 100;

std::unexpected<Error> wrong(std::string_view member, const Json& value, std::string_view right) {
  return fail(ErrorCode::kInvalid,
              fmt::format("{} is {}; it must be {}", member, dump_json(value).substr(0, kLongestShownValue), right));
}

/// A member of an object; null and absent are the same.
const Json* find(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

struct NumberRange {
  const char* name;
  std::string_view unit;
  std::uint64_t minimum;
  std::uint64_t maximum;
};

Result<std::optional<std::uint64_t>> number(const Json& limits, const NumberRange& range) {
  const Json* value = find(limits, range.name);
  if (value == nullptr) return std::nullopt;
  // Negative numbers are not "unsigned" to the library, so they fall through to the error.
  if (value->is_number_unsigned()) {
    const auto count = value->get<std::uint64_t>();
    if (count >= range.minimum && count <= range.maximum) return count;
  }
  return wrong(fmt::format("limits.{}", range.name), *value,
               fmt::format("a whole number of {} to {} {}", range.minimum, range.maximum, range.unit));
}

Result<void> apply_limits(const Json& limits, store::ActionLimits& to) {
  if (!limits.is_object()) return wrong("limits", limits, R"(an object such as {"timeout": 60000, "memory": 256})");
  const auto timeout = GUST_TRY(number(limits, {"timeout", "ms", static_cast<std::uint64_t>(kMinTimeout.count()),
                                                static_cast<std::uint64_t>(kMaxTimeout.count())}));
  const auto memory = GUST_TRY(number(limits, {"memory", "MB", kMinMemory.in_mb(), kMaxMemory.in_mb()}));
  const auto logs = GUST_TRY(number(limits, {"logs", "MB", 0, kMaxLogs.in_mb()}));
  const auto processes = GUST_TRY(number(limits, {"processes", "processes and threads", 1, kMaxProcesses}));
  const auto open_files = GUST_TRY(number(limits, {"openFiles", "files", kMinOpenFiles, kMaxOpenFiles}));
  const auto tmp = GUST_TRY(number(limits, {"tmp", "MB", 1, kMaxMemory.in_mb()}));
  const auto cpu = GUST_TRY(number(limits, {"cpu", "percent", kMinCpu, kMaxCpu}));
  if (processes) to.processes = static_cast<std::uint32_t>(*processes);
  if (open_files) to.open_files = static_cast<std::uint32_t>(*open_files);
  if (tmp) to.tmp = Bytes::mb(*tmp);
  if (cpu) to.cpu = static_cast<std::uint32_t>(*cpu);
  if (timeout) to.timeout = std::chrono::milliseconds(*timeout);
  if (memory) to.memory = Bytes::mb(*memory);
  if (logs) to.logs = Bytes::mb(*logs);
  if (to.tmp > to.memory) {
    return fail(ErrorCode::kInvalid,
                fmt::format("limits.tmp is {} MB and limits.memory {} MB; files in /tmp are memory, "
                            "so it must be no more than that",
                            to.tmp.in_mb(), to.memory.in_mb()));
  }
  return {};
}

Result<void> check_pairs(std::string_view member, const Json& pairs) {
  const auto is_pair = [](const Json& pair) {
    return pair.is_object() && pair.contains("key") && pair.at("key").is_string();
  };
  if (pairs.is_array() && std::ranges::all_of(pairs, is_pair)) return {};
  return wrong(member, pairs, R"(an array of {"key": "…", "value": …})");
}

void annotate_kind(store::Action& action) {
  Json annotations = Json::array();
  for (Json& annotation : action.annotations) {
    if (annotation.at("key") != "exec") annotations.push_back(std::move(annotation));
  }
  annotations.push_back({{"key", "exec"}, {"value", action.kind}});
  action.annotations = std::move(annotations);
}

}  // namespace

Result<void> apply_action_body(std::string_view text, store::Action& action) {
  Json body = GUST_TRY(parse_json(text.empty() ? "{}" : text, "the body"));
  if (!body.is_object()) return fail(ErrorCode::kInvalid, "the body is not a JSON object");

  if (const Json* annotations = find(body, "annotations")) {
    GUST_TRY_VOID(check_pairs("annotations", *annotations));
    action.annotations = *annotations;
  }
  if (const Json* parameters = find(body, "parameters")) {
    GUST_TRY_VOID(check_pairs("parameters", *parameters));
    action.parameters = *parameters;
  }
  if (const Json* limits = find(body, "limits")) GUST_TRY_VOID(apply_limits(*limits, action.limits));
  if (const Json* publish = find(body, "publish")) {
    if (!publish->is_boolean()) return wrong("publish", *publish, "true or false");
    action.publish = publish->get<bool>();
  }
  if (find(body, "exec") != nullptr) {
    GUST_TRY_VOID(apply_exec(body.at("exec"), action));
  } else if (!action.code) {
    return fail(ErrorCode::kInvalid,
                R"(exec is missing: a new action needs {"exec": {"kind": "cpp:1", "code": "<base64>"}})");
  }
  annotate_kind(action);
  return {};
}

}  // namespace gust::openwhisk
