#include <algorithm>
#include <fmt/format.h>

#include "openwhisk/action_body.h"
#include "openwhisk/action_code.h"
#include "openwhisk/names.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

std::unexpected<Error> no_such_package(std::string_view package, const Call& call) {
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no package {} in namespace {}", package, call.namespace_name()));
}

/// Where the call's path leads. There are no packages, so every path that names one is kNotFound.
Result<EntityPath> entity_path(const Call& call) {
  std::string_view path = call.name();
  if (path.ends_with('/')) {
    path.remove_suffix(1);
    return no_such_package(path, call);
  }
  EntityPath parsed = GUST_TRY(parse_entity_path(path));
  if (!parsed.package.empty()) return no_such_package(parsed.package, call);
  return parsed;
}

Result<std::string> list(const Services& services, const Call& call) {
  const Page page = GUST_TRY(query_page(call.request()));
  const bool count = GUST_TRY(query_flag(call.request(), "count"));
  const std::vector<store::ActionPtr> actions = services.actions.list(call.namespace_name());
  const std::size_t begin = std::min(page.skip, actions.size());
  if (count) return dump_json({{"actions", actions.size() - begin}});
  Json briefs = Json::array();
  for (std::size_t i = begin; i < actions.size() && i - begin < page.limit; ++i) {
    briefs.push_back(render_action_brief(*actions[i]));
  }
  return dump_json(briefs);
}

Result<std::string> get(const Services& services, const Call& call) {
  const bool code = !call.request().query.contains("code") || GUST_TRY(query_flag(call.request(), "code"));
  const store::ActionPtr action = GUST_TRY(find_action(services, call));
  return dump_json(render_action(*action, code ? CodeShown::kYes : CodeShown::kNo));
}

Result<std::string> put(const Services& services, const Call& call, const std::string& body) {
  const EntityPath path = GUST_TRY(entity_path(call));
  const bool overwrite = GUST_TRY(query_flag(call.request(), "overwrite"));
  store::Action action;
  action.namespace_name = call.namespace_name();
  action.name = path.name;
  if (const auto existing = services.actions.get(call.namespace_name(), path.name)) {
    if (!overwrite) return fail(ErrorCode::kExists, "resource already exists");
    action = **existing;
  }
  const auto old_code = action.code;
  GUST_TRY_VOID(apply_action_body(body, action));
  if (action.code != old_code) GUST_TRY_VOID(inspect_code(action, services.options.inspect_object));
  const store::ActionPtr stored =
      GUST_TRY(services.actions.put(std::move(action), overwrite ? store::Overwrite::kYes : store::Overwrite::kNo));
  services.controller.distribute(stored);
  return dump_json(render_action(*stored, CodeShown::kNo));
}

Result<std::string> remove(const Services& services, const Call& call) {
  const EntityPath path = GUST_TRY(entity_path(call));
  const store::ActionPtr removed = GUST_TRY(services.actions.remove(call.namespace_name(), path.name));
  return dump_json(render_action(*removed, CodeShown::kYes));
}

}  // namespace

Result<store::ActionPtr> find_action(const Services& services, const Call& call) {
  const EntityPath path = GUST_TRY(entity_path(call));
  return services.actions.get(call.namespace_name(), path.name);
}

void list_actions(const Services& services, Call call) { call.answer(list(services, call)); }

void get_action(const Services& services, Call call) { call.answer(get(services, call)); }

void put_action(const Services& services, Call call) {
  const std::string body = call.take_body();
  call.answer(put(services, call, body));
}

void delete_action(const Services& services, Call call) { call.answer(remove(services, call)); }

}  // namespace gust::openwhisk
