// A fired trigger invokes the actions of its active rules, and leaves an activation that says what each became.
#include <algorithm>
#include <memory>

#include "openwhisk/json_text.h"
#include "openwhisk/params.h"
#include "openwhisk/resolve.h"
#include "openwhisk/routes.h"
#include "openwhisk/rules.h"

namespace gust::openwhisk {

namespace {

using controller::FlareTicket;

/// One rule's part: what it starts, and the line that tells of it.
struct Part {
  store::RulePtr rule;
  Result<controller::FlareRequest> request;
  std::string line;
};

struct Firing {
  Call call;
  ActivationId id{random_hex_id()};
  store::TriggerPtr trigger;
  std::string payload;
  std::vector<Part> parts;
  std::size_t unanswered = 0;  ///< only on the controller's strand
};

Result<controller::FlareRequest> request_for(const Services& services, const Call& call, const store::Rule& rule,
                                             const std::string& params) {
  controller::FlareRequest request;
  request.action = GUST_TRY(resolve_action(services, rule.namespace_name, rule.action));
  request.namespace_name = rule.namespace_name;
  request.params.push_back(GUST_TRY(single_params(params, request.action->parameters)));
  request.invocation = store::Invocation::kSingle;
  request.strategy = packing::Strategy::kHomogeneous;
  request.granularity = 1;
  request.received = call.received();
  return request;
}

std::string line_of(const store::Rule& rule, const Result<FlareTicket>& ticket) {
  JsonText line;
  line.raw(R"({"statusCode":)").number(ticket ? 0 : 1).raw(R"(,"success":)").boolean(ticket.has_value());
  if (ticket) {
    line.raw(R"(,"activationId":)").string(ticket->activations.front().str());
  } else {
    line.raw(R"(,"error":)").string(ticket.error().message);
  }
  line.raw(R"(,"rule":)").string(rule.namespace_name + "/" + rule.name);
  line.raw(R"(,"action":)").string(rule.namespace_name + "/" + rule.action).raw("}");
  return line.take();
}

/// The activation of the trigger itself, in the form of a flare that ran nothing.
store::FlarePtr record_of(Firing& firing) {
  store::Action named;
  static_cast<store::Entity&>(named) = *firing.trigger;
  auto flare = std::make_shared<store::FlareRecord>();
  flare->id = FlareId(firing.id.str());
  flare->namespace_name = firing.trigger->namespace_name;
  flare->action = std::make_shared<const store::Action>(std::move(named));
  flare->invocation = store::Invocation::kTrigger;
  flare->state = store::FlareState::kSucceeded;
  flare->burst_size = 1;
  const WallTime now = wall_now();
  flare->stamps.received = flare->stamps.starting = firing.call.received();
  flare->stamps.ended = now;
  flare->activations.push_back({.id = firing.id, .workers = {WorkerId(0), 1}});
  store::PackRecord& pack = flare->packs.emplace_back();
  pack.workers = {WorkerId(0), 1};
  pack.state = store::PackState::kEnded;
  pack.cause = store::PackCause::kFinished;
  pack.ended = now;
  for (Part& part : firing.parts) {
    pack.logs.push_back({.at = now, .is_stderr = false, .text = std::move(part.line)});
  }
  store::WorkerRecord& worker = flare->workers.emplace_back();
  worker.state = store::WorkerState::kReturned;
  worker.result = std::move(firing.payload);
  return flare;
}

void finish(const Services& services, Firing& firing) {
  services.flares.add(record_of(firing));
  firing.call.add_header("x-openwhisk-activation-id", firing.id.str());
  JsonText body;
  body.raw(R"({"activationId":)").string(firing.id.str()).raw("}");
  firing.call.answer(202, body.take());
}

Result<std::shared_ptr<Firing>> prepare(const Services& services, Call& call, const std::string& body) {
  store::TriggerPtr trigger = GUST_TRY(services.triggers.get(call.namespace_name(), call.name()));
  const std::string params = GUST_TRY(single_params(body, trigger->parameters));
  std::string payload = GUST_TRY(single_params(body, Json::array()));
  std::vector<Part> parts;
  for (store::RulePtr& rule : rules_of(services, trigger->namespace_name, trigger->name)) {
    if (rule->state != store::RuleState::kActive) continue;
    auto request = request_for(services, call, *rule, params);
    std::string line = request ? std::string() : line_of(*rule, std::unexpected(request.error()));
    parts.push_back({.rule = std::move(rule), .request = std::move(request), .line = std::move(line)});
  }
  const auto to_start = std::ranges::count_if(parts, [](const Part& part) { return part.request.has_value(); });
  return std::make_shared<Firing>(Firing{.call = std::move(call),
                                         .trigger = std::move(trigger),
                                         .payload = std::move(payload),
                                         .parts = std::move(parts),
                                         .unanswered = static_cast<std::size_t>(to_start)});
}

}  // namespace

void fire_trigger(const Services& services, Call call) {
  const std::string body = call.take_body();
  const auto prepared = prepare(services, call, body);
  if (!prepared) return call.answer_error(prepared.error());
  const std::shared_ptr<Firing>& firing = *prepared;
  if (firing->parts.empty()) return firing->call.answer(204, {});
  if (firing->unanswered == 0) return finish(services, *firing);
  for (Part& part : firing->parts) {
    if (!part.request) continue;
    services.controller.start_flare(std::move(*part.request), [&services, firing, &part](Result<FlareTicket> ticket) {
      part.line = line_of(*part.rule, ticket);
      if (--firing->unanswered == 0) finish(services, *firing);
    });
  }
}

}  // namespace gust::openwhisk
