#include <fmt/format.h>

#include "openwhisk/entity_body.h"
#include "openwhisk/names.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/render_list.h"
#include "openwhisk/resolve.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

std::vector<store::ActionPtr> actions_of(const Services& services, const store::Package& package) {
  std::vector<store::ActionPtr> actions = services.actions.list(package.namespace_name);
  std::erase_if(actions, [&](const store::ActionPtr& action) { return action->package != package.name; });
  return actions;
}

/// Feeds are the actions that have the annotation `feed`, whatever its value.
bool is_feed(const store::Action& action) {
  return std::ranges::any_of(action.annotations, [](const Json& annotation) { return annotation.at("key") == "feed"; });
}

Result<std::string> list_of_packages(const Services& services, const Call& call) {
  const Listing listing = GUST_TRY(query_listing(call.request()));
  return render_list(services.packages.list(call.namespace_name()), listing, "packages", render_package_brief);
}

Result<std::string> text_of_package(const Services& services, const Call& call) {
  const ResolvedPackage package = GUST_TRY(resolve_package(services, call.namespace_name(), call.name()));
  Json shown = render_package(*package.named);
  shown["parameters"] = package.parameters;
  shown["actions"] = Json::array();
  shown["feeds"] = Json::array();
  for (const store::ActionPtr& action : actions_of(services, *package.home)) {
    shown[is_feed(*action) ? "feeds" : "actions"].push_back(
        {{"name", action->name}, {"version", action->version}, {"annotations", action->annotations}});
  }
  return dump_json(shown);
}

/// What `binding` of the body names; empty for {}.
Result<std::string> read_binding(const Services& services, const Json& binding, const store::Package& package) {
  if (binding == Json::object()) return std::string();
  if (!binding.is_object() || !binding.contains("name") || !binding.at("name").is_string() ||
      !binding.value("namespace", Json("_")).is_string()) {
    return wrong_member("binding", binding, R"({"namespace": "_", "name": "<package>"})");
  }
  std::string name =
      GUST_TRY(read_reference("binding", Json{{"path", binding.value("namespace", "_")}, {"name", binding.at("name")}},
                              package.namespace_name));
  const auto target = services.packages.get(package.namespace_name, name);
  if (!target) {
    return fail(ErrorCode::kInvalid, fmt::format("binding names package {}, which does not exist in namespace {}", name,
                                                 package.namespace_name));
  }
  if (!(*target)->binding.empty() || name == package.name) {
    return fail(ErrorCode::kInvalid,
                fmt::format("binding names {}, which is a binding itself; name the package that it stands for", name));
  }
  return name;
}

Result<std::string> store_package(const Services& services, const Call& call, const std::string& text) {
  const EntityPath path = GUST_TRY(parse_entity_path(call.name()));
  if (!path.package.empty() || path.name == "default") {
    return fail(ErrorCode::kInvalid, fmt::format("a package cannot be called {}", call.name()));
  }
  const bool overwrite = GUST_TRY(query_flag(call.request(), "overwrite"));
  const Json body = GUST_TRY(parse_body(text));
  const MutexLock lock(services.change);
  store::Package package;
  package.namespace_name = call.namespace_name();
  package.name = path.name;
  const auto existing = services.packages.get(call.namespace_name(), path.name);
  if (existing) {
    if (!overwrite) return fail(ErrorCode::kExists, "resource already exists");
    package = **existing;
  }
  GUST_TRY_VOID(apply_entity_body(body, package, package.parameters));
  if (const Json* binding = find_member(body, "binding")) {
    package.binding = GUST_TRY(read_binding(services, *binding, package));
    if (existing && (*existing)->binding.empty() != package.binding.empty()) {
      return fail(ErrorCode::kExists,
                  fmt::format("{} is {}: it cannot become the other; delete it first", path.name,
                              package.binding.empty() ? "a binding" : "a package with actions of its own"));
    }
  }
  const store::PackagePtr stored =
      GUST_TRY(services.packages.put(std::move(package), overwrite ? store::Overwrite::kYes : store::Overwrite::kNo));
  return dump_json(render_package(*stored));
}

Result<std::string> drop_package(const Services& services, const Call& call) {
  const bool force = GUST_TRY(query_flag(call.request(), "force"));
  const MutexLock lock(services.change);
  const store::PackagePtr package = GUST_TRY(services.packages.get(call.namespace_name(), call.name()));
  const auto actions = actions_of(services, *package);
  if (!actions.empty() && !force) {
    return fail(ErrorCode::kExists,
                fmt::format("Package not empty (contains {} {}); add force=true to delete them with it", actions.size(),
                            actions.size() == 1 ? "entity" : "entities"));
  }
  for (const store::ActionPtr& action : actions) (void)services.actions.remove(call.namespace_name(), action->path());
  const store::PackagePtr removed = GUST_TRY(services.packages.remove(call.namespace_name(), call.name()));
  return dump_json(render_package(*removed));
}

}  // namespace

void list_packages(const Services& services, Call call) { call.answer(list_of_packages(services, call)); }

void get_package(const Services& services, Call call) { call.answer(text_of_package(services, call)); }

void put_package(const Services& services, Call call) {
  const std::string body = call.take_body();
  auto json = store_package(services, call, body);
  answer_stored(services, std::move(call), std::move(json));
}

void delete_package(const Services& services, Call call) {
  auto json = drop_package(services, call);
  answer_stored(services, std::move(call), std::move(json));
}

}  // namespace gust::openwhisk
