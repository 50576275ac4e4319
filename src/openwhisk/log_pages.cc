#include <fmt/format.h>
#include <limits>

#include "openwhisk/query.h"
#include "openwhisk/render.h"
#include "openwhisk/routes.h"

namespace gust::openwhisk {

namespace {

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
  controller::LogQuery query{.of = Id(call.name()), .from = from->value_or(0)};
  std::string namespace_name = call.namespace_name();
  services.controller.read_logs(std::move(namespace_name), std::move(query),
                                [call = std::move(call)](Result<controller::LogPage> page) mutable {
                                  if (!page) return call.answer_error(page.error());
                                  call.answer(200, render_log_page(*page));
                                });
}

}  // namespace

void get_flare_logs(const Services& services, Call call) { answer_page<FlareId>(services, std::move(call), "a flare"); }

void follow_activation_logs(const Services& services, Call call) {
  answer_page<ActivationId>(services, std::move(call), "an activation");
}

}  // namespace gust::openwhisk
