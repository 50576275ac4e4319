#include <charconv>
#include <fmt/format.h>
#include <limits>

#include "openwhisk/json_text.h"
#include "openwhisk/lithops_payload.h"
#include "openwhisk/outcome.h"
#include "openwhisk/params.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

using controller::FlareRequest;
using controller::FlareTicket;

/// How the client wants its answer.
struct Wish {
  bool blocking = false;
  bool bare_result = false;
  bool burst = false;
  bool lithops = false;  ///< the body is a payload of Lithops
  std::chrono::milliseconds wait{0};
};

Result<Wish> parse_wish(const http::Request& request, std::chrono::milliseconds longest_wait) {
  const auto longest = static_cast<std::uint64_t>(longest_wait.count());
  Wish wish;
  wish.blocking = GUST_TRY(query_flag(request, "blocking"));
  wish.bare_result = GUST_TRY(query_flag(request, "result"));
  wish.burst = GUST_TRY(query_flag(request, "burst"));
  wish.lithops = GUST_TRY(query_flag(request, "lithops"));
  if (wish.lithops && !wish.burst) {
    return fail(ErrorCode::kInvalid, "lithops=true cuts a payload into those of a burst's workers: add burst=true");
  }
  wish.wait = std::chrono::milliseconds(GUST_TRY(query_number(request, "timeout", 1, longest)).value_or(longest));
  return wish;
}

Result<void> set_packing(const http::Request& request, bool burst, FlareRequest& flare) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const auto granularity = GUST_TRY(query_number(request, "granularity", 1, kMost));
  const bool join = GUST_TRY(query_flag(request, "join"));
  if (!burst) {
    if (granularity || join) {
      return fail(ErrorCode::kInvalid, "granularity and join are a burst's: add burst=true, or leave them out");
    }
    flare.invocation = store::Invocation::kSingle;
    flare.strategy = packing::Strategy::kHomogeneous;
    flare.granularity = 1;
    return {};
  }
  if (join && !granularity) {
    return fail(ErrorCode::kInvalid, "join=true joins packs of one granularity: add granularity=<workers a pack>");
  }
  flare.invocation = store::Invocation::kBurst;
  flare.strategy = !granularity ? packing::Strategy::kHeterogeneous
                   : join       ? packing::Strategy::kMixed
                                : packing::Strategy::kHomogeneous;
  flare.granularity = static_cast<std::uint32_t>(granularity.value_or(0));
  return {};
}

/// How its packs talk. Which backends there are, the controller knows.
Result<void> set_communication(const http::Request& request, bool burst, FlareRequest& flare) {
  constexpr std::uint64_t kMostKilobytes = 64 << 10;
  const auto chunk = GUST_TRY(query_number(request, "chunk_size", 1, kMostKilobytes));
  const auto backend = request.query.find("backend");
  if (!burst && (chunk || backend != request.query.end())) {
    return fail(ErrorCode::kInvalid, "chunk_size and backend are a burst's: add burst=true, or leave them out");
  }
  if (chunk) flare.chunk = Bytes(*chunk << 10);
  if (backend != request.query.end()) flare.backend = backend->second;
  return {};
}

/// Its rank in the queue, and how often it may start again.
Result<void> set_admission(const http::Request& request, FlareRequest& flare) {
  constexpr std::uint64_t kMostRetries = 100;
  flare.retries = static_cast<std::uint32_t>(GUST_TRY(query_number(request, "retries", 0, kMostRetries)).value_or(0));
  const auto found = request.query.find("priority");
  if (found == request.query.end()) return {};
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), flare.priority);
  if (error == std::errc() && end == text.data() + text.size() && flare.priority >= scheduler::kLeastPriority &&
      flare.priority <= scheduler::kMostPriority) {
    return {};
  }
  return fail(ErrorCode::kInvalid, fmt::format("priority={} is not a whole number of {} to {}", text,
                                               scheduler::kLeastPriority, scheduler::kMostPriority));
}

Result<FlareRequest> make_request(const Services& services, Call& call, const Wish& wish) {
  FlareRequest flare;
  flare.action = GUST_TRY(find_action(services, call));
  flare.namespace_name = call.namespace_name();
  flare.received = call.received();
  GUST_TRY_VOID(set_packing(call.request(), wish.burst, flare));
  GUST_TRY_VOID(set_communication(call.request(), wish.burst, flare));
  GUST_TRY_VOID(set_admission(call.request(), flare));
  const std::string body = call.take_body();
  if (wish.lithops) {
    flare.params = GUST_TRY(lithops_params(body, flare.action->parameters));
  } else if (wish.burst) {
    flare.params = GUST_TRY(burst_params(body, flare.action->parameters));
  } else {
    flare.params.push_back(GUST_TRY(single_params(body, flare.action->parameters)));
  }
  return flare;
}

/// The members that tell a burst's client what to ask for later.
void append_ids(JsonText& text, const FlareTicket& ticket) {
  text.raw(R"("activationIds":[)");
  bool first = true;
  for (const ActivationId& id : ticket.activations) text.next(first).string(id.str());
  text.raw(R"(],"flareId":)").string(ticket.id.str());
}

std::string accepted(const FlareTicket& ticket, const Wish& wish) {
  JsonText text(128 + ticket.activations.size() * 36);
  text.raw("{");
  if (wish.burst) {
    append_ids(text, ticket);
  } else {
    text.raw(R"("activationId":)").string(ticket.activations.front().str());
  }
  text.raw("}");
  return text.take();
}

/// A burst that did its work is a 200 even where workers returned errors: those are results.
std::string burst_answer(const FlareTicket& ticket, const Wish& wish, const store::FlareRecord& flare) {
  std::string results = render_results(flare);
  if (wish.bare_result) return results;
  JsonText text(results.size() + 128 + ticket.activations.size() * 36);
  text.raw("{");
  append_ids(text, ticket);
  text.raw(R"(,"results":)").raw(results).raw("}");
  return text.take();
}

std::string burst_failure(const FlareTicket& ticket, const Wish& wish, const store::ActivationView& view) {
  if (wish.bare_result) return result_of(view);
  JsonText text;
  text.raw(R"({"error":)").string(view.flare->cause ? view.flare->cause->message : "unknown cause").raw(",");
  append_ids(text, ticket);
  text.raw("}");
  return text.take();
}

void answer_ended(Call& call, const FlareTicket& ticket, const Wish& wish, const store::FlarePtr& flare) {
  const store::ActivationView view{flare, 0};
  const Outcome outcome = outcome_of(view);
  if (outcome == Outcome::kInternalError) {
    return call.answer_error(500, flare->cause ? flare->cause->message : "the flare failed for an unknown cause");
  }
  if (wish.burst) {
    if (outcome == Outcome::kDeveloperError) return call.answer(502, burst_failure(ticket, wish, view));
    return call.answer(200, burst_answer(ticket, wish, *flare));
  }
  call.answer(outcome == Outcome::kSuccess ? 200 : 502, wish.bare_result ? result_of(view) : render_activation(view));
}

void wait_and_answer(const Services& services, Call call, FlareTicket ticket, const Wish& wish) {
  const FlareId id = ticket.id;
  std::string namespace_name = call.namespace_name();
  services.controller.wait_flare(
      std::move(namespace_name), id, std::chrono::steady_clock::now() + wish.wait,
      [call = std::move(call), ticket = std::move(ticket), wish](Result<store::FlarePtr> flare) mutable {
        if (flare) return answer_ended(call, ticket, wish, *flare);
        if (flare.error().code == ErrorCode::kTimedOut) return call.answer(202, accepted(ticket, wish));
        call.answer_error(flare.error());
      });
}

// Once the flare outlives the controller, where it can. A disk that cannot be written keeps nobody from working.
void answer_accepted(const Services& services, Call call, const FlareTicket& ticket, const Wish& wish) {
  services.journal.when_written([call = std::move(call), answer = accepted(ticket, wish)](
                                    const Result<void>& /*written*/) mutable { call.answer(202, std::move(answer)); });
}

}  // namespace

void invoke_action(const Services& services, Call call) {
  const auto wish = parse_wish(call.request(), services.options.longest_wait);
  if (!wish) return call.answer_error(wish.error());
  auto request = make_request(services, call, *wish);
  if (!request) return call.answer_error(request.error());
  services.controller.start_flare(
      std::move(*request), [&services, wish = *wish, call = std::move(call)](Result<FlareTicket> ticket) mutable {
        if (!ticket) return call.answer_error(ticket.error());
        call.add_header("x-openwhisk-activation-id", ticket->activations.front().str());
        if (!wish.blocking) return answer_accepted(services, std::move(call), *ticket, wish);
        wait_and_answer(services, std::move(call), std::move(*ticket), wish);
      });
}

}  // namespace gust::openwhisk
