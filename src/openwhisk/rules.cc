#include "openwhisk/rules.h"

#include <algorithm>
#include <fmt/format.h>

#include "openwhisk/entity_body.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/render_list.h"
#include "openwhisk/resolve.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

Result<std::string> list_of_rules(const Services& services, const Call& call) {
  const Listing listing = GUST_TRY(query_listing(call.request()));
  return render_list(services.rules.list(call.namespace_name()), listing, "rules", render_rule);
}

Result<std::string> text_of_rule(const Services& services, const Call& call) {
  const store::RulePtr rule = GUST_TRY(services.rules.get(call.namespace_name(), call.name()));
  return dump_json(render_rule(*rule));
}

Result<store::RuleState> read_state(const Json& status) {
  if (status == "active") return store::RuleState::kActive;
  if (status == "inactive") return store::RuleState::kInactive;
  return wrong_member("status", status, R"("active" or "inactive")");
}

Result<void> check_references(const Services& services, const store::Rule& rule) {
  if (rule.trigger.empty() || rule.action.empty()) {
    return fail(ErrorCode::kInvalid, R"(a rule needs {"trigger": "/_/<name>", "action": "/_/<name>"})");
  }
  // What a body names and is not there is the body's fault, not the path's.
  if (const auto trigger = services.triggers.get(rule.namespace_name, rule.trigger); !trigger) {
    return fail(ErrorCode::kInvalid, trigger.error().message);
  }
  if (const auto action = resolve_action(services, rule.namespace_name, rule.action); !action) {
    return fail(ErrorCode::kInvalid, action.error().message);
  }
  return {};
}

Result<std::string> store_rule(const Services& services, const Call& call, const std::string& text) {
  const std::string name = GUST_TRY(own_name<store::Rule>(call));
  const bool overwrite = GUST_TRY(query_flag(call.request(), "overwrite"));
  const Json body = GUST_TRY(parse_body(text));
  const MutexLock lock(services.change);
  store::Rule rule;
  rule.namespace_name = call.namespace_name();
  rule.name = name;
  if (const auto existing = services.rules.get(call.namespace_name(), name)) {
    if (!overwrite) return fail(ErrorCode::kExists, "resource already exists");
    rule = **existing;
  }
  GUST_TRY_VOID(apply_entity_body(body, rule));
  if (const Json* trigger = find_member(body, "trigger")) {
    rule.trigger = GUST_TRY(read_reference("trigger", *trigger, rule.namespace_name));
  }
  if (const Json* action = find_member(body, "action")) {
    rule.action = GUST_TRY(read_reference("action", *action, rule.namespace_name));
  }
  GUST_TRY_VOID(check_references(services, rule));
  const store::RulePtr stored =
      GUST_TRY(services.rules.put(std::move(rule), overwrite ? store::Overwrite::kYes : store::Overwrite::kNo));
  return dump_json(render_rule(*stored));
}

Result<std::string> set_state(const Services& services, const Call& call, const std::string& text) {
  const Json body = GUST_TRY(parse_body(text));
  const store::RuleState wanted = GUST_TRY(read_state(body.value("status", Json())));
  const MutexLock lock(services.change);
  const store::RulePtr rule = GUST_TRY(services.rules.get(call.namespace_name(), call.name()));
  if (rule->state == wanted) return std::string("{}");
  if (wanted == store::RuleState::kActive) GUST_TRY(services.triggers.get(rule->namespace_name, rule->trigger));
  store::Rule changed = *rule;
  changed.state = wanted;
  GUST_TRY(services.rules.put(std::move(changed), store::Overwrite::kYes));
  return std::string("{}");
}

Result<std::string> drop_rule(const Services& services, const Call& call) {
  const store::RulePtr removed = GUST_TRY(services.rules.remove(call.namespace_name(), call.name()));
  Json shown = render_rule(*removed);
  shown["status"] = to_string(store::RuleState::kInactive);
  return dump_json(shown);
}

}  // namespace

std::vector<store::RulePtr> rules_of(const Services& services, std::string_view namespace_name,
                                     std::string_view trigger) {
  std::vector<store::RulePtr> rules = services.rules.list(namespace_name);
  std::erase_if(rules, [&](const store::RulePtr& rule) { return rule->trigger != trigger; });
  std::ranges::reverse(rules);
  return rules;
}

void list_rules(const Services& services, Call call) { call.answer(list_of_rules(services, call)); }

void get_rule(const Services& services, Call call) { call.answer(text_of_rule(services, call)); }

void put_rule(const Services& services, Call call) {
  const std::string body = call.take_body();
  auto json = store_rule(services, call, body);
  answer_stored(services, std::move(call), std::move(json));
}

void delete_rule(const Services& services, Call call) {
  auto json = drop_rule(services, call);
  answer_stored(services, std::move(call), std::move(json));
}

void set_rule_state(const Services& services, Call call) {
  const std::string body = call.take_body();
  auto json = set_state(services, call, body);
  answer_stored(services, std::move(call), std::move(json));
}

}  // namespace gust::openwhisk
