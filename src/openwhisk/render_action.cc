#include "base/encoding.h"
#include "openwhisk/render.h"

namespace gust::openwhisk {

Json render_limits(const store::ActionLimits& limits) {
  Json shown = {{"timeout", limits.timeout.count()}, {"memory", limits.memory.in_mb()}, {"logs", limits.logs.in_mb()},
                {"processes", limits.processes},     {"openFiles", limits.open_files},  {"cpu", limits.cpu}};
  if (limits.tmp != Bytes()) shown["tmp"] = limits.tmp.in_mb();
  return shown;
}

Json render_action_brief(const store::Action& action) {
  Json brief = render_entity(action);
  brief["limits"] = render_limits(action.limits);
  brief["exec"] = {{"binary", action.binary}};
  return brief;
}

Json render_action(const store::Action& action, CodeShown code) {
  Json exec = {{"kind", action.kind}, {"binary", action.binary}};
  if (!action.main.empty()) exec["main"] = action.main;
  if (!action.image.empty()) exec["image"] = action.image;
  if (code == CodeShown::kYes && action.code) exec["code"] = action.binary ? base64_encode(*action.code) : *action.code;
  Json full = render_entity(action);
  full["limits"] = render_limits(action.limits);
  full["exec"] = std::move(exec);
  full["parameters"] = action.parameters;
  return full;
}

}  // namespace gust::openwhisk
