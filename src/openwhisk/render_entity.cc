#include "openwhisk/render.h"

namespace gust::openwhisk {

namespace {

/// OpenWhisk's way to name another entity: {"path": "namespace[/package]", "name"}.
Json reference(const std::string& namespace_name, const std::string& path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) return {{"path", namespace_name}, {"name", path}};
  return {{"path", namespace_name + "/" + path.substr(0, slash)}, {"name", path.substr(slash + 1)}};
}

}  // namespace

std::string_view to_string(store::RuleState state) {
  return state == store::RuleState::kActive ? "active" : "inactive";
}

Json render_entity(const store::Entity& entity) {
  return {{"namespace", entity.package.empty() ? entity.namespace_name : entity.namespace_name + "/" + entity.package},
          {"name", entity.name},
          {"version", entity.version},
          {"publish", entity.publish},
          {"annotations", entity.annotations},
          {"updated", to_millis(entity.updated)}};
}

Json render_package(const store::Package& package) {
  Json shown = render_entity(package);
  Json binding = Json::object();
  if (!package.binding.empty()) {
    binding = {{"namespace", package.namespace_name}, {"name", package.binding}};
    // For clients that tell bindings from packages by a list's annotations.
    shown["annotations"].push_back({{"key", "binding"}, {"value", binding}});
  }
  shown["parameters"] = package.parameters;
  shown["binding"] = std::move(binding);
  return shown;
}

Json render_package_brief(const store::Package& package) {
  Json brief = render_package(package);
  if (package.binding.empty()) brief["binding"] = false;
  return brief;
}

Json render_trigger(const store::Trigger& trigger, const std::vector<store::RulePtr>& rules) {
  Json shown = render_entity(trigger);
  shown["parameters"] = trigger.parameters;
  shown["limits"] = Json::object();
  Json of_trigger = Json::object();
  for (const store::RulePtr& rule : rules) {
    of_trigger[rule->namespace_name + "/" + rule->name] = {{"action", reference(rule->namespace_name, rule->action)},
                                                           {"status", to_string(rule->state)}};
  }
  shown["rules"] = std::move(of_trigger);
  return shown;
}

Json render_rule(const store::Rule& rule) {
  Json shown = render_entity(rule);
  shown["status"] = to_string(rule.state);
  shown["trigger"] = reference(rule.namespace_name, rule.trigger);
  shown["action"] = reference(rule.namespace_name, rule.action);
  return shown;
}

}  // namespace gust::openwhisk
