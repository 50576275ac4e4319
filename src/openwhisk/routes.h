// One function a route. Each gives its call exactly one answer, at once or from the controller's strand.
#pragma once

#include "openwhisk/api.h"
#include "openwhisk/call.h"

namespace gust::openwhisk {

// root.cc
void get_root(const Services& services, Call call);
void get_ping(const Services& services, Call call);
void get_api(const Services& services, Call call);
void list_namespaces(const Services& services, Call call);
void get_limits(const Services& services, Call call);
void get_status(const Services& services, Call call);
// actions.cc
void list_actions(const Services& services, Call call);
void get_action(const Services& services, Call call);
void put_action(const Services& services, Call call);
void delete_action(const Services& services, Call call);
/// The action that the call's path names.
Result<store::ActionPtr> find_action(const Services& services, const Call& call);
// invoke.cc
void invoke_action(const Services& services, Call call);
// activations.cc
void list_activations(const Services& services, Call call);
void get_activation(const Services& services, Call call);
void get_activation_logs(const Services& services, Call call);
void get_activation_result(const Services& services, Call call);
// flares.cc
void list_flares(const Services& services, Call call);
void get_flare(const Services& services, Call call);
void cancel_flare(const Services& services, Call call);

}  // namespace gust::openwhisk
