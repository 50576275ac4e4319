#include <fmt/format.h>
#include <set>

#include "openwhisk/json_text.h"
#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

using controller::Detail;
using controller::FlareSnapshot;

constexpr FlareShown kSummary{.detail = Detail::kSummary, .results = false};

Result<FlareId> flare_id(const Call& call) {
  if (is_hex_id(call.name())) return FlareId(call.name());
  return fail(ErrorCode::kInvalid,
              fmt::format("\"{}\" is not a flare id: it must be 32 lower-case hex digits", call.name()));
}

/// A page of the active flares and, behind them, the ended ones.
std::string render_page(const Page& page, const std::vector<FlareSnapshot>& active, const store::FlareStore& ended,
                        const std::string& namespace_name) {
  JsonText text(4096);
  text.raw("[");
  bool first = true;
  std::size_t left = page.limit;
  std::set<FlareId> shown;  // what ended between the two lists is in both
  for (std::size_t i = page.skip; i < active.size() && left > 0; ++i, --left) {
    text.next(first).raw(render_flare(active[i], kSummary));
    shown.insert(active[i].flare->id);
  }
  const std::size_t skip = page.skip > active.size() ? page.skip - active.size() : 0;
  for (const store::FlarePtr& flare : ended.list(namespace_name, skip, left)) {
    if (!shown.contains(flare->id)) text.next(first).raw(render_flare({flare, 0, {}}, kSummary));
  }
  text.raw("]");
  return text.take();
}

struct GetQuery {
  FlareId id;
  FlareShown shown;
  std::chrono::milliseconds wait{0};
};

Result<GetQuery> parse_get(const Call& call, std::chrono::seconds longest_poll) {
  const http::Request& request = call.request();
  GetQuery query;
  query.id = GUST_TRY(flare_id(call));
  query.shown.results = GUST_TRY(query_flag(request, "results"));
  query.wait = GUST_TRY(query_seconds(request, "wait", longest_poll));
  const auto detail = request.query.find("detail");
  if (detail == request.query.end() || detail->second == "full") return query;
  if (detail->second != "summary") {
    return fail(ErrorCode::kInvalid, fmt::format("detail={} is neither summary nor full", detail->second));
  }
  query.shown.detail = Detail::kSummary;
  return query;
}

/// The controller does not know the flare: it has ended long ago, or never was.
void answer_stored_flare(const Services& services, Call call, const GetQuery& query) {
  services.read([&services, id = query.id, shown = query.shown, call = std::move(call)]() mutable {
    const auto flare = services.flares.get(call.namespace_name(), id);
    if (!flare) return call.answer_error(flare.error());
    call.answer(200, render_flare({*flare, 0, {}}, shown));
  });
}

void answer_now(const Services& services, Call call, const GetQuery& query) {
  std::string namespace_name = call.namespace_name();
  services.controller.get_flare(std::move(namespace_name), query.id, query.shown.detail,
                                [&services, call = std::move(call), query](Result<FlareSnapshot> snapshot) mutable {
                                  if (snapshot) return call.answer(200, render_flare(*snapshot, query.shown));
                                  if (snapshot.error().code == ErrorCode::kNotFound)
                                    return answer_stored_flare(services, std::move(call), query);
                                  call.answer_error(snapshot.error());
                                });
}

}  // namespace

void list_flares(const Services& services, Call call) {
  const auto page = query_page(call.request());
  if (!page) return call.answer_error(page.error());
  std::string namespace_name = call.namespace_name();
  services.controller.list_active(std::move(namespace_name), [&services, page = *page, call = std::move(call)](
                                                                 Result<std::vector<FlareSnapshot>> active) mutable {
    if (!active) return call.answer_error(active.error());
    services.read([&services, page, active = std::move(*active), call = std::move(call)]() mutable {
      call.answer(200, render_page(page, active, services.flares, call.namespace_name()));
    });
  });
}

void list_queue(const Services& services, Call call) {
  std::string namespace_name = call.namespace_name();
  services.controller.list_queue(std::move(namespace_name),
                                 [call = std::move(call)](Result<std::vector<FlareSnapshot>> waiting) mutable {
                                   if (!waiting) return call.answer_error(waiting.error());
                                   JsonText text(1024);
                                   text.raw("[");
                                   bool first = true;
                                   for (const FlareSnapshot& flare : *waiting)
                                     text.next(first).raw(render_flare(flare, kSummary));
                                   text.raw("]");
                                   call.answer(200, text.take());
                                 });
}

void get_flare(const Services& services, Call call) {
  auto query = parse_get(call, services.options.longest_poll);
  if (!query) return call.answer_error(query.error());
  if (query->wait.count() == 0) return answer_now(services, std::move(call), *query);
  const FlareId id = query->id;
  const SteadyTime deadline = std::chrono::steady_clock::now() + query->wait;
  std::string namespace_name = call.namespace_name();
  services.controller.wait_flare(
      std::move(namespace_name), id, deadline,
      [&services, query = std::move(*query), call = std::move(call)](Result<store::FlarePtr> flare) mutable {
        if (flare) return call.answer(200, render_flare({*flare, 0, {}}, query.shown));
        if (flare.error().code == ErrorCode::kTimedOut) return answer_now(services, std::move(call), query);
        if (flare.error().code == ErrorCode::kNotFound) return answer_stored_flare(services, std::move(call), query);
        call.answer_error(flare.error());
      });
}

void cancel_flare(const Services& services, Call call) {
  const auto id = flare_id(call);
  if (!id) return call.answer_error(id.error());
  std::string namespace_name = call.namespace_name();
  services.controller.cancel_flare(
      std::move(namespace_name), *id,
      [&services, id = *id, call = std::move(call)](Result<store::FlarePtr> flare) mutable {
        if (flare) return call.answer(200, render_flare({*flare, 0, {}}, kSummary));
        services.read([&services, id, error = std::move(flare.error()), call = std::move(call)]() mutable {
          const auto ended = services.flares.get(call.namespace_name(), id);
          if (error.code != ErrorCode::kNotFound || !ended) return call.answer_error(error);
          call.answer_error(409, fmt::format("flare {} has ended already ({}): there is nothing to cancel", id.str(),
                                             to_string((*ended)->state)));
        });
      });
}

}  // namespace gust::openwhisk
