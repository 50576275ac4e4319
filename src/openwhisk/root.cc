#include <limits>

#include "openwhisk/action_body.h"
#include "openwhisk/names.h"
#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {
// Clients want numbers where Gust has no limit: what does not fit now waits.
constexpr std::int32_t kNoLimit = std::numeric_limits<std::int32_t>::max();
}  // namespace

void get_root(const Services& services, Call call) {
  Json runtimes = Json::object();
  for (const Kind& kind : kKinds) {
    if (kind.name == kBlackbox) continue;  // as OpenWhisk has it: an image is a runtime, the kind is none
    runtimes[std::string(kind.family)].push_back(
        {{"kind", kind.name}, {"default", true}, {"deprecated", false}, {"attached", true}});
  }
  const Json root = {{"support", {{"help", "gust --help"}}},
                     {"description", "Gust " + services.options.version + ", burst computing"},
                     {"api_paths", {"/api/v1"}},
                     {"limits",
                      {{"actions_per_minute", kNoLimit},
                       {"triggers_per_minute", kNoLimit},
                       {"concurrent_actions", kNoLimit},
                       {"sequence_length", kNoLimit},
                       {"min_action_duration", kMinTimeout.count()},
                       {"max_action_duration", kMaxTimeout.count()},
                       {"min_action_memory", kMinMemory.count()},
                       {"max_action_memory", kMaxMemory.count()},
                       {"min_action_logs", 0},
                       {"max_action_logs", kMaxLogs.count()}}},
                     {"runtimes", std::move(runtimes)}};
  call.answer(200, dump_json(root));
}

void get_ping(const Services&, Call call) { call.answer_text(200, "pong"); }

void get_ready(const Services& services, Call call) {
  services.controller.status([call = std::move(call)](Result<controller::Status> status) mutable {
    if (!status) return call.answer_error(status.error());
    status->not_ready.empty() ? call.answer_text(200, "ready") : call.answer_text(503, std::move(status->not_ready));
  });
}

void get_metrics(const Services& services, Call call) {
  services.controller.metrics([call = std::move(call)](Result<std::string> text) mutable {
    text ? call.answer_text(200, std::move(*text)) : call.answer_error(text.error());
  });
}

void get_api(const Services& services, Call call) {
  const Json api = {{"description", "OpenWhisk API"},
                    {"api_version", "1.0.0"},
                    {"api_version_path", "v1"},
                    {"build", services.options.version},
                    {"buildno", services.options.version},
                    {"swagger_paths", Json::object()}};
  call.answer(200, dump_json(api));
}

void list_namespaces(const Services&, Call call) {
  std::string body = dump_json(Json::array({call.namespace_name()}));
  call.answer(200, std::move(body));
}

void get_limits(const Services&, Call call) {
  const Json limits = {{"invocationsPerMinute", kNoLimit},
                       {"concurrentInvocations", kNoLimit},
                       {"firesPerMinute", kNoLimit},
                       {"minActionTimeout", kMinTimeout.count()},
                       {"maxActionTimeout", kMaxTimeout.count()},
                       {"minActionMemory", kMinMemory.in_mb()},
                       {"maxActionMemory", kMaxMemory.in_mb()},
                       {"minActionLogs", 0},
                       {"maxActionLogs", kMaxLogs.in_mb()}};
  call.answer(200, dump_json(limits));
}

void get_status(const Services& services, Call call) {
  services.controller.status([&services, call = std::move(call)](Result<controller::Status> status) mutable {
    if (!status) return call.answer_error(status.error());
    call.answer(200, render_status(*status, services.options.version));
  });
}

}  // namespace gust::openwhisk
