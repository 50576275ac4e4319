#include "openwhisk/api.h"

#include <fmt/format.h>

#include "openwhisk/call.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

Api::Api(controller::Controller& controller, store::Stores stores, KeyTable keys, ApiOptions options)
    : services_{.controller = controller,
                .actions = stores.actions,
                .packages = stores.packages,
                .triggers = stores.triggers,
                .rules = stores.rules,
                .stored_keys = stores.keys,
                .tokens = stores.tokens,
                .flares = stores.flares,
                .journal = stores.journal,
                .keys = std::move(keys),
                .options = std::move(options)} {
  const std::string own = "/api/v1/namespaces/{ns}";
  add("GET", "/", Access::kOpen, get_root);
  add("GET", "/ping", Access::kOpen, get_ping);
  add("GET", "/ready", Access::kOpen, get_ready);
  add("GET", "/metrics", Access::kOperator, get_metrics);
  add("GET", "/api/v1", Access::kOpen, get_api);
  add("GET", "/api/v1/namespaces", Access::kWithKey, list_namespaces);
  add("GET", "/api/v1/gust/status", Access::kWithKey, get_status);
  add("GET", "/api/v1/gust/keys", Access::kOperator, list_keys);
  add("POST", "/api/v1/gust/keys", Access::kOperator, add_key);
  add("DELETE", "/api/v1/gust/keys/{id}", Access::kOperator, revoke_key);
  add("GET", "/api/v1/gust/tokens", Access::kOperator, list_tokens);
  add("POST", "/api/v1/gust/tokens", Access::kOperator, add_token);
  add("DELETE", "/api/v1/gust/tokens/{id}", Access::kOperator, revoke_token);
  add("GET", own + "/limits", Access::kWithKey, get_limits);
  add("GET", own + "/actions", Access::kWithKey, list_actions);
  add("GET", own + "/actions/{name...}", Access::kWithKey, get_action);
  add("PUT", own + "/actions/{name...}", Access::kWithKey, put_action);
  add("DELETE", own + "/actions/{name...}", Access::kWithKey, delete_action);
  add("POST", own + "/actions/{name...}", Access::kWithKey, invoke_action);
  add("GET", own + "/packages", Access::kWithKey, list_packages);
  add("GET", own + "/packages/{name}", Access::kWithKey, get_package);
  add("PUT", own + "/packages/{name}", Access::kWithKey, put_package);
  add("DELETE", own + "/packages/{name}", Access::kWithKey, delete_package);
  add("GET", own + "/triggers", Access::kWithKey, list_triggers);
  add("GET", own + "/triggers/{name}", Access::kWithKey, get_trigger);
  add("PUT", own + "/triggers/{name}", Access::kWithKey, put_trigger);
  add("DELETE", own + "/triggers/{name}", Access::kWithKey, delete_trigger);
  add("POST", own + "/triggers/{name}", Access::kWithKey, fire_trigger);
  add("GET", own + "/rules", Access::kWithKey, list_rules);
  add("GET", own + "/rules/{name}", Access::kWithKey, get_rule);
  add("PUT", own + "/rules/{name}", Access::kWithKey, put_rule);
  add("DELETE", own + "/rules/{name}", Access::kWithKey, delete_rule);
  add("POST", own + "/rules/{name}", Access::kWithKey, set_rule_state);
  add("GET", own + "/activations", Access::kWithKey, list_activations);
  add("GET", own + "/activations/{id}", Access::kWithKey, get_activation);
  add("GET", own + "/activations/{id}/logs", Access::kWithKey, get_activation_logs);
  add("GET", own + "/activations/{id}/result", Access::kWithKey, get_activation_result);
  add("GET", own + "/flares", Access::kWithKey, list_flares);
  add("GET", own + "/flares/{id}", Access::kWithKey, get_flare);
  add("GET", own + "/flares/{id}/logs", Access::kWithKey, get_flare_logs);
  add("DELETE", own + "/flares/{id}", Access::kWithKey, cancel_flare);
  add("GET", own + "/queue", Access::kWithKey, list_queue);
  add("POST", "/api/v1/gust/invokers/{id}/drain", Access::kOperator, drain_invoker);
  add("POST", "/api/v1/gust/invokers/{id}/uncordon", Access::kOperator, uncordon_invoker);
}

void Api::handle(http::Request request, http::Responder respond) const {
  router_.serve(std::move(request), std::move(respond));
}

void Api::add(std::string method, const std::string& pattern, Access access, Route route) {
  const bool has_namespace = pattern.find("{ns}") != std::string::npos;
  const char* name = pattern.find("{name") != std::string::npos  ? "name"
                     : pattern.find("{id}") != std::string::npos ? "id"
                                                                 : nullptr;
  router_.add(std::move(method), pattern,
              [this, access, route, has_namespace, name](http::Request request, http::PathParams params,
                                                         http::Responder respond) {
                Call call(std::move(request), std::move(respond), wall_now());
                const std::string* in_path = has_namespace ? &params.at("ns") : nullptr;
                if (access != Access::kOpen && !admit(call, access, in_path)) return;
                if (name != nullptr) call.set_name(params.at(name));
                route(services_, std::move(call));
              });
}

bool Api::admit(Call& call, Access access, const std::string* namespace_in_path) const {
  const auto header = call.request().header("authorization");
  if (!header) {
    call.answer_error(401, "the request has no API key: send it as HTTP Basic authentication");
    return false;
  }
  const auto credentials = basic_credentials(*header);
  auto caller = credentials ? find_caller(services_.keys, services_.stored_keys, *credentials) : std::nullopt;
  if (!caller) {
    call.answer_error(401, "the supplied authentication is invalid: no namespace has this API key");
    return false;
  }
  if (access == Access::kOperator && caller->role != Role::kOperator) {
    call.answer_error(403, "this is the operator's: it needs the key that the controller was started with");
    return false;
  }
  call.set_namespace(std::move(caller->namespace_name));
  if (namespace_in_path == nullptr || *namespace_in_path == "_" || *namespace_in_path == call.namespace_name()) {
    return true;
  }
  call.answer_error(403, fmt::format("the supplied authentication is not authorized to access '{}': this key's "
                                     "namespace is '{}'",
                                     *namespace_in_path, call.namespace_name()));
  return false;
}

}  // namespace gust::openwhisk
