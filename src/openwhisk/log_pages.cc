#include <fmt/format.h>
#include <limits>

#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

using controller::LogPage;

Result<LogPage> stored_page(const Services& services, const std::string& namespace_name, const FlareId& id,
                            std::uint64_t from) {
  return controller::read_log_page(*GUST_TRY(services.flares.get(namespace_name, id)), from);
}

Result<LogPage> stored_page(const Services& services, const std::string& namespace_name, const ActivationId& id,
                            std::uint64_t from) {
  const store::ActivationView view = GUST_TRY(services.flares.get_activation(namespace_name, id));
  return controller::read_log_page(*view.flare, view.activation().workers, from);
}

void answer(Call& call, const Result<LogPage>& page) {
  if (!page) return call.answer_error(page.error());
  call.answer(200, render_log_page(*page));
}

/// Answers with the lines from the query's `from` on. `what` is what the id is of.
template <class Id>
void answer_page(const Services& services, Call call, std::string_view what) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (!is_hex_id(call.name())) {
    return call.answer_error(
        400, fmt::format("\"{}\" is not {} id: it must be 32 lower-case hex digits", call.name(), what));
  }
  const auto from = query_number(call.request(), "from", 0, kMost);
  if (!from) return call.answer_error(from.error());
  const Id id(call.name());
  std::string namespace_name = call.namespace_name();
  services.controller.read_logs(
      std::move(namespace_name), {.of = id, .from = from->value_or(0)},
      [&services, id, from = from->value_or(0), call = std::move(call)](Result<LogPage> page) mutable {
        if (page || page.error().code != ErrorCode::kNotFound) return answer(call, page);
        services.read([&services, id, from, call = std::move(call)]() mutable {
          answer(call, stored_page(services, call.namespace_name(), id, from));
        });
      });
}

}  // namespace

void get_flare_logs(const Services& services, Call call) { answer_page<FlareId>(services, std::move(call), "a flare"); }

void follow_activation_logs(const Services& services, Call call) {
  answer_page<ActivationId>(services, std::move(call), "an activation");
}

}  // namespace gust::openwhisk
