#include <fmt/format.h>

#include "openwhisk/json_text.h"
#include "openwhisk/names.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

/// Milliseconds until the end of the year 9999: more would overflow as microseconds one day.
constexpr std::uint64_t kLatestMillis = 253'402'300'799'999;

WallTime from_millis(std::uint64_t millis) { return from_micros(static_cast<std::int64_t>(millis) * 1000); }

Result<store::ActivationQuery> parse_query(const Call& call) {
  const http::Request& request = call.request();
  store::ActivationQuery query;
  query.namespace_name = call.namespace_name();
  const Page page = GUST_TRY(query_page(request));
  query.skip = page.skip;
  query.limit = page.limit;
  if (const auto name = request.query.find("name"); name != request.query.end() && !name->second.empty()) {
    GUST_TRY(parse_entity_path(name->second));
    query.action_path = name->second;
  }
  if (const auto since = GUST_TRY(query_number(request, "since", 0, kLatestMillis))) query.since = from_millis(*since);
  if (const auto upto = GUST_TRY(query_number(request, "upto", 0, kLatestMillis))) {
    query.upto = from_millis(*upto) + std::chrono::microseconds(999);  // that millisecond included
  }
  return query;
}

struct ListQuery {
  store::ActivationQuery which;
  bool full = false;
  bool count = false;
};

Result<ListQuery> parse_list(const Call& call) {
  ListQuery query{.which = GUST_TRY(parse_query(call))};
  query.full = GUST_TRY(query_flag(call.request(), "docs"));
  query.count = GUST_TRY(query_flag(call.request(), "count"));
  return query;
}

std::string list_of_activations(const Services& services, const ListQuery& query) {
  if (query.count) return dump_json({{"activations", services.flares.count_activations(query.which)}});
  JsonText text;
  text.raw("[");
  bool first = true;
  for (const store::ActivationView& view : services.flares.list_activations(query.which)) {
    text.next(first).raw(query.full ? render_activation(view) : render_activation_brief(view));
  }
  text.raw("]");
  return text.take();
}

using Render = std::string (*)(const store::ActivationView&);

/// The ended activation that the call's path names. OpenWhisk's clients poll through the 404s until it is there.
void answer_with(Render render, const Services& services, Call call) {
  if (!is_hex_id(call.name())) {
    return call.answer_error(
        400, fmt::format("\"{}\" is not an activation id: it must be 32 lower-case hex digits", call.name()));
  }
  const ActivationId id(call.name());
  if (const auto recent = services.flares.get_recent_activation(call.namespace_name(), id)) {
    return call.answer(200, render(*recent));
  }
  services.read([render, id, &services, call = std::move(call)]() mutable {
    const auto view = services.flares.get_activation(call.namespace_name(), id);
    if (view) return call.answer(200, render(*view));
    if (view.error().code != ErrorCode::kNotFound) return call.answer_error(view.error());
    call.answer_error(404, fmt::format("activation {} does not exist, or has not ended yet", call.name()));
  });
}

}  // namespace

void list_activations(const Services& services, Call call) {
  auto query = parse_list(call);
  if (!query) return call.answer_error(query.error());
  services.read([&services, query = std::move(*query), call = std::move(call)]() mutable {
    call.answer(200, list_of_activations(services, query));
  });
}

void get_activation(const Services& services, Call call) { answer_with(render_activation, services, std::move(call)); }

void get_activation_logs(const Services& services, Call call) {
  const auto follow = query_flag(call.request(), "follow");
  if (!follow) return call.answer_error(follow.error());
  if (*follow) return follow_activation_logs(services, std::move(call));
  answer_with(render_logs, services, std::move(call));
}

void get_activation_result(const Services& services, Call call) {
  answer_with(render_result, services, std::move(call));
}

}  // namespace gust::openwhisk
