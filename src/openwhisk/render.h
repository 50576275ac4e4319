// Entities as the JSON that clients read. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "controller/controller.h"
#include "store/store.h"

namespace gust::openwhisk {

/// From "namespace" to "updated": what all entities have.
Json render_entity(const store::Entity& entity);
/// As in an action, and in its activations' annotations.
Json render_limits(const store::ActionLimits& limits);

enum class CodeShown : std::uint8_t { kNo, kYes };
/// A list's entry.
Json render_action_brief(const store::Action& action);
/// One action; with kYes its code, in base64.
Json render_action(const store::Action& action, CodeShown code);

Json render_package(const store::Package& package);
/// As lists have it: `binding` is false where there is none.
Json render_package_brief(const store::Package& package);
/// `rules` are those of the trigger.
Json render_trigger(const store::Trigger& trigger, const std::vector<store::RulePtr>& rules);
Json render_rule(const store::Rule& rule);
std::string_view to_string(store::RuleState state);

// Activations, of flares that have ended.
std::string render_activation(const store::ActivationView& view);
std::string render_activation_brief(const store::ActivationView& view);
/// {"logs": […]}: lines as "<UTC time> stdout: <text>", those of the first pack first.
std::string render_logs(const store::ActivationView& view);
/// {"logs": […], "next", "ended"}: the same lines, in the order in which they came.
std::string render_log_page(const controller::LogPage& page);
/// {"result", "success", "status"}.
std::string render_result(const store::ActivationView& view);
/// What the activation's code returned: a single invocation's value bare, a burst's as an array in the order of
/// workers, a worker's error as {"error": text}. {"error": cause} when the flare failed. A burst's is never empty:
/// clients that poll take what is empty for "not yet".
std::string result_of(const store::ActivationView& view);

struct FlareShown {
  controller::Detail detail = controller::Detail::kFull;  ///< kSummary leaves out packs and workers
  bool results = false;                                   ///< the workers' results with the workers
};
std::string render_flare(const controller::FlareSnapshot& snapshot, FlareShown shown);
/// All workers' results in one array, in the order of workers.
std::string render_results(const store::FlareRecord& flare);

std::string render_status(const controller::Status& status, const std::string& version);
std::string render_invoker(const controller::InvokerStatus& invoker);

}  // namespace gust::openwhisk
