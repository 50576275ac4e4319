// One function a route. Each gives its call exactly one answer, at once or from the controller's strand.
#pragma once

#include "openwhisk/api.h"
#include "openwhisk/call.h"

namespace gust::openwhisk {

// root.cc
void get_root(const Services& services, Call call);
void get_ping(const Services& services, Call call);
void get_ready(const Services& services, Call call);
void get_api(const Services& services, Call call);
void list_namespaces(const Services& services, Call call);
void get_limits(const Services& services, Call call);
void get_status(const Services& services, Call call);
void get_metrics(const Services& services, Call call);
// keys.cc
void list_keys(const Services& services, Call call);
void add_key(const Services& services, Call call);
void revoke_key(const Services& services, Call call);
// tokens.cc
void list_tokens(const Services& services, Call call);
void add_token(const Services& services, Call call);
void revoke_token(const Services& services, Call call);
/// The answer to a change: its error, or 200 with the body once the change is safe (answer_stored.cc).
void answer_stored(const Services& services, Call call, Result<std::string> json);
// actions.cc
void list_actions(const Services& services, Call call);
void get_action(const Services& services, Call call);
void put_action(const Services& services, Call call);
void delete_action(const Services& services, Call call);
/// The action that the call's path names, with its package's parameters under its own.
Result<store::ActionPtr> find_action(const Services& services, const Call& call);
// packages.cc
void list_packages(const Services& services, Call call);
void get_package(const Services& services, Call call);
void put_package(const Services& services, Call call);
void delete_package(const Services& services, Call call);
// triggers.cc, fire_trigger.cc
void list_triggers(const Services& services, Call call);
void get_trigger(const Services& services, Call call);
void put_trigger(const Services& services, Call call);
void delete_trigger(const Services& services, Call call);
void fire_trigger(const Services& services, Call call);
// rules.cc
void list_rules(const Services& services, Call call);
void get_rule(const Services& services, Call call);
void put_rule(const Services& services, Call call);
void delete_rule(const Services& services, Call call);
void set_rule_state(const Services& services, Call call);
// invoke.cc
void invoke_action(const Services& services, Call call);
// activations.cc
void list_activations(const Services& services, Call call);
void get_activation(const Services& services, Call call);
void get_activation_logs(const Services& services, Call call);
void get_activation_result(const Services& services, Call call);
// log_pages.cc
/// What a flare's workers have written so far, from a line on.
void get_flare_logs(const Services& services, Call call);
/// The same of one activation.
void follow_activation_logs(const Services& services, Call call);
// flares.cc
void list_flares(const Services& services, Call call);
void get_flare(const Services& services, Call call);
void cancel_flare(const Services& services, Call call);
void list_queue(const Services& services, Call call);
// invokers.cc
void drain_invoker(const Services& services, Call call);
void uncordon_invoker(const Services& services, Call call);

}  // namespace gust::openwhisk
