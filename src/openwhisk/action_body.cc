#include "openwhisk/action_body.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "base/json.h"
#include "openwhisk/action_code.h"
#include "openwhisk/entity_body.h"

namespace gust::openwhisk {

namespace {

struct NumberRange {
  const char* name;
  std::string_view unit;
  std::uint64_t minimum;
  std::uint64_t maximum;
};

Result<std::optional<std::uint64_t>> number(const Json& limits, const NumberRange& range) {
  const Json* value = find_member(limits, range.name);
  if (value == nullptr) return std::nullopt;
  // Negative numbers are not "unsigned" to the library, so they fall through to the error.
  if (value->is_number_unsigned()) {
    const auto count = value->get<std::uint64_t>();
    if (count >= range.minimum && count <= range.maximum) return count;
  }
  return wrong_member(fmt::format("limits.{}", range.name), *value,
                      fmt::format("a whole number of {} to {} {}", range.minimum, range.maximum, range.unit));
}

Result<void> apply_limits(const Json& limits, store::ActionLimits& to) {
  if (!limits.is_object())
    return wrong_member("limits", limits, R"(an object such as {"timeout": 60000, "memory": 256})");
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

/// The annotations that stay: an update takes away only those that `delAnnotations` names, as OpenWhisk has it.
Result<Json> kept_annotations(const Json& body, const Json& annotations) {
  const Json* dropped = find_member(body, "delAnnotations");
  Json kept = annotations;
  if (dropped == nullptr) return kept;
  const auto is_text = [](const Json& key) { return key.is_string(); };
  if (!dropped->is_array() || !std::ranges::all_of(*dropped, is_text))
    return wrong_member("delAnnotations", *dropped, R"(an array of keys such as ["note"])");
  kept = Json::array();
  for (const Json& annotation : annotations) {
    const auto is_it = [&](const Json& key) { return key == annotation.at("key"); };
    if (std::ranges::none_of(*dropped, is_it)) kept.push_back(annotation);
  }
  return kept;
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

Result<void> apply_action_body(std::string_view text, const Runtimes& runtimes, store::Action& action) {
  Json body = GUST_TRY(parse_body(text));
  const Json kept = GUST_TRY(kept_annotations(body, action.annotations));
  action.annotations = Json::array();
  GUST_TRY_VOID(apply_entity_body(body, action, action.parameters));
  action.annotations = merge_parameters(kept, action.annotations);
  if (const Json* limits = find_member(body, "limits")) GUST_TRY_VOID(apply_limits(*limits, action.limits));
  if (find_member(body, "exec") != nullptr) {
    GUST_TRY_VOID(apply_exec(body.at("exec"), runtimes, action));
  } else if (!action.code) {
    return fail(ErrorCode::kInvalid,
                R"(exec is missing: a new action needs {"exec": {"kind": "cpp:1", "code": "<base64>"}})");
  }
  annotate_kind(action);
  return {};
}

}  // namespace gust::openwhisk
