#include <fmt/format.h>

#include "openwhisk/action_body.h"
#include "openwhisk/action_code.h"
#include "openwhisk/names.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/render_list.h"
#include "openwhisk/resolve.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

/// Where a PUT or DELETE leads. A binding's actions are its package's, to be changed there.
Result<EntityPath> writable_path(const Services& services, const Call& call) {
  EntityPath path = GUST_TRY(parse_entity_path(call.name()));
  if (path.package.empty()) return path;
  const store::PackagePtr package = GUST_TRY(services.packages.get(call.namespace_name(), path.package));
  if (package->binding.empty()) return path;
  return fail(ErrorCode::kInvalid,
              fmt::format("package {} is a binding of {}: change the action there", path.package, package->binding));
}

std::string text_of(const EntityPath& path) {
  return path.package.empty() ? path.name : path.package + "/" + path.name;
}

/// All of the namespace's, or those of one package where the path ends in its name and a slash.
Result<std::vector<store::ActionPtr>> listed_actions(const Services& services, const Call& call) {
  std::vector<store::ActionPtr> actions = services.actions.list(call.namespace_name());
  if (call.name().empty()) return actions;
  const std::string name = call.name().substr(0, call.name().size() - 1);
  const ResolvedPackage package = GUST_TRY(resolve_package(services, call.namespace_name(), name));
  std::erase_if(actions, [&](const store::ActionPtr& action) { return action->package != package.home->name; });
  return actions;
}

Result<std::string> list_of_actions(const Services& services, const Call& call) {
  const Listing listing = GUST_TRY(query_listing(call.request()));
  const auto actions = GUST_TRY(listed_actions(services, call));
  return render_list(actions, listing, "actions", render_action_brief);
}

Result<std::string> text_of_action(const Services& services, const Call& call) {
  const bool code = !call.request().query.contains("code") || GUST_TRY(query_flag(call.request(), "code"));
  const store::ActionPtr action = GUST_TRY(find_action(services, call));
  return dump_json(render_action(*action, code ? CodeShown::kYes : CodeShown::kNo));
}

/// A blackbox is refused when what it names is neither something else here nor an image of this machine. The other
/// kinds' images are not looked for: their invokers may be elsewhere.
Result<void> check_image(const store::Action& action, const ApiOptions& options) {
  if (action.kind != kBlackbox || find_runtime(options.runtimes, action.image) != nullptr ||
      options.has_image(action.image)) {
    return {};
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("exec.image '{0}' is not here: import it where the invokers run (gust image import {0} "
                          "docker://{0}), or say in the setting runtimes what stands for it, such as {0}=python:FOLDER "
                          "for a virtualenv of the invokers' machines",
                          action.image));
}

Result<std::string> store_action(const Services& services, const Call& call, const std::string& body) {
  const EntityPath path = GUST_TRY(writable_path(services, call));
  const bool overwrite = GUST_TRY(query_flag(call.request(), "overwrite"));
  store::Action action;
  action.namespace_name = call.namespace_name();
  action.package = path.package;
  action.name = path.name;
  if (const auto existing = services.actions.get(call.namespace_name(), text_of(path))) {
    if (!overwrite) return fail(ErrorCode::kExists, "resource already exists");
    action = **existing;
  }
  const auto old_code = action.code;
  GUST_TRY_VOID(apply_action_body(body, services.options.runtimes, action));
  GUST_TRY_VOID(check_image(action, services.options));
  if (action.code != old_code)
    GUST_TRY_VOID(inspect_code(action, services.options.runtimes, services.options.inspect_object));
  const MutexLock lock(services.change);
  GUST_TRY(writable_path(services, call));  // the package may have gone meanwhile
  const store::ActionPtr stored =
      GUST_TRY(services.actions.put(std::move(action), overwrite ? store::Overwrite::kYes : store::Overwrite::kNo));
  services.controller.distribute(stored);
  return dump_json(render_action(*stored, CodeShown::kNo));
}

Result<std::string> drop_action(const Services& services, const Call& call) {
  const EntityPath path = GUST_TRY(writable_path(services, call));
  const store::ActionPtr removed = GUST_TRY(services.actions.remove(call.namespace_name(), text_of(path)));
  return dump_json(render_action(*removed, CodeShown::kYes));
}

}  // namespace

Result<store::ActionPtr> find_action(const Services& services, const Call& call) {
  return resolve_action(services, call.namespace_name(), call.name());
}

void list_actions(const Services& services, Call call) { call.answer(list_of_actions(services, call)); }

void get_action(const Services& services, Call call) {
  call.answer(call.name().ends_with('/') ? list_of_actions(services, call) : text_of_action(services, call));
}

void put_action(const Services& services, Call call) {
  const std::string body = call.take_body();
  auto json = store_action(services, call, body);
  answer_stored(services, std::move(call), std::move(json));
}

void delete_action(const Services& services, Call call) {
  auto json = drop_action(services, call);
  answer_stored(services, std::move(call), std::move(json));
}

}  // namespace gust::openwhisk
