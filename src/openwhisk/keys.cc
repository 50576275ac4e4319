// Keys of namespaces, made and revoked by the operator.
#include <fmt/format.h>

#include "openwhisk/entity_body.h"
#include "openwhisk/names.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

Json render_key(const store::Key& key) {
  return {{"id", key.name}, {"namespace", key.owner}, {"created", to_millis(key.updated)}};
}

Result<std::string> list_of_keys(const Services& services) {
  Json keys = Json::array();
  for (const store::KeyPtr& key : services.stored_keys.list({})) keys.push_back(render_key(*key));
  return dump_json(keys);
}

Result<std::string> store_key(const Services& services, const std::string& text) {
  const Json body = GUST_TRY(parse_body(text));
  const Json owner = body.value("namespace", Json());
  if (!owner.is_string()) return wrong_member("namespace", owner, "the name of the namespace that the key opens");
  const EntityPath name = GUST_TRY(parse_entity_path(owner.get<std::string>()));
  if (!name.package.empty() || name.name == "_" || name.name.find(' ') != std::string::npos) {
    return wrong_member("namespace", owner, "a name without slashes and spaces, and not _ alone");
  }
  NewKey key = make_key(name.name);
  const store::KeyPtr stored = GUST_TRY(services.stored_keys.put(std::move(key.stored), store::Overwrite::kNo));
  Json shown = render_key(*stored);
  shown["key"] = key.text;
  return dump_json(shown);
}

Result<std::string> revoke(const Services& services, const Call& call) {
  const auto removed = services.stored_keys.remove({}, call.name());
  if (removed) return dump_json(render_key(**removed));
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no key with the id {}; gust key list shows those there are", call.name()));
}

}  // namespace

void list_keys(const Services& services, Call call) { call.answer(list_of_keys(services)); }

void add_key(const Services& services, Call call) {
  const std::string body = call.take_body();
  answer_stored(services, std::move(call), store_key(services, body));
}

void revoke_key(const Services& services, Call call) {
  auto json = revoke(services, call);
  answer_stored(services, std::move(call), std::move(json));
}

}  // namespace gust::openwhisk
