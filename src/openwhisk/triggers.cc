#include <algorithm>
#include <fmt/format.h>

#include "openwhisk/entity_body.h"
#include "openwhisk/names.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/render_list.h"
#include "openwhisk/routes.h"
#include "openwhisk/rules.h"

namespace gust::openwhisk {

namespace {

Json render(const Services& services, const store::Trigger& trigger) {
  return render_trigger(trigger, rules_of(services, trigger.namespace_name, trigger.name));
}

Result<std::string> list_of_triggers(const Services& services, const Call& call) {
  const Listing listing = GUST_TRY(query_listing(call.request()));
  return render_list(services.triggers.list(call.namespace_name()), listing, "triggers",
                     [&](const store::Trigger& trigger) { return render(services, trigger); });
}

Result<std::string> text_of_trigger(const Services& services, const Call& call) {
  const store::TriggerPtr trigger = GUST_TRY(services.triggers.get(call.namespace_name(), call.name()));
  return dump_json(render(services, *trigger));
}

Result<std::string> store_trigger(const Services& services, const Call& call, const std::string& text) {
  const std::string name = GUST_TRY(own_name<store::Trigger>(call));
  const bool overwrite = GUST_TRY(query_flag(call.request(), "overwrite"));
  const Json body = GUST_TRY(parse_body(text));
  const MutexLock lock(services.change);
  store::Trigger trigger;
  trigger.namespace_name = call.namespace_name();
  trigger.name = name;
  if (const auto existing = services.triggers.get(call.namespace_name(), name)) {
    if (!overwrite) return fail(ErrorCode::kExists, "resource already exists");
    trigger = **existing;
  }
  GUST_TRY_VOID(apply_entity_body(body, trigger, trigger.parameters));
  const store::TriggerPtr stored =
      GUST_TRY(services.triggers.put(std::move(trigger), overwrite ? store::Overwrite::kYes : store::Overwrite::kNo));
  return dump_json(render(services, *stored));
}

Result<std::string> drop_trigger(const Services& services, const Call& call) {
  const MutexLock lock(services.change);
  const store::TriggerPtr removed = GUST_TRY(services.triggers.remove(call.namespace_name(), call.name()));
  Json shown = render(services, *removed);
  // A trigger that gets this name later is another one.
  for (const store::RulePtr& rule : rules_of(services, removed->namespace_name, removed->name)) {
    store::Rule inactive = *rule;
    inactive.state = store::RuleState::kInactive;
    GUST_TRY(services.rules.put(std::move(inactive), store::Overwrite::kYes));
  }
  return dump_json(shown);
}

}  // namespace

void list_triggers(const Services& services, Call call) { call.answer(list_of_triggers(services, call)); }

void get_trigger(const Services& services, Call call) { call.answer(text_of_trigger(services, call)); }

void put_trigger(const Services& services, Call call) {
  const std::string body = call.take_body();
  auto json = store_trigger(services, call, body);
  answer_stored(services, std::move(call), std::move(json));
}

void delete_trigger(const Services& services, Call call) {
  auto json = drop_trigger(services, call);
  answer_stored(services, std::move(call), std::move(json));
}

}  // namespace gust::openwhisk
