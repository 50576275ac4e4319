// gust queue, gust cancel: the flares that wait, and the end of one.
#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "base/clock.h"
#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "http/target.h"

namespace gust::cli {

namespace {

void print(const Json& queue) {
  if (queue.empty()) {
    fmt::print("no flare waits\n");
    return;
  }
  fmt::print("{:>5}  {:<32} {:<16} {:>8} {:>8} {:>9}  {}\n", "place", "flare", "action", "workers", "priority",
             "waits s", "why");
  for (const Json& flare : queue) {
    const double waited = to_seconds(wall_now()) - flare.at("stamps").at("queued").get<double>();
    const Json& place = flare.at("queue");
    std::string why = place.at("reason").get<std::string>();
    if (const Json& within = place.at("starts_within"); !within.is_null()) {
      why += fmt::format("; it starts within {:.1f} s", within.get<double>());
    }
    fmt::print("{:>5}  {:<32} {:<16} {:>8} {:>8} {:>9.1f}  {}\n", place.at("position").get<std::uint64_t>(),
               flare.at("id").get<std::string>(), flare.at("action").get<std::string>(),
               flare.at("burst_size").get<std::uint64_t>(), flare.at("priority").get<std::int64_t>(),
               std::max(waited, 0.0), why);
  }
}

}  // namespace

void add_queue(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("queue", "Show the flares that wait: their places, and why they wait");
  sub->footer(
      "Places count the flares of all namespaces; shown are those of your own.\n\n"
      "Example:\n  gust queue");
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  auto json = std::make_shared<bool>(false);
  sub->add_flag("--json", *json, "Print JSON");
  sub->callback([&chosen, options, json] {
    chosen.run = [options, json] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const Json queue = GUST_TRY(api.get("/namespaces/_/queue"));
        *json ? fmt::print("{}\n", queue.dump(2)) : print(queue);
        return kExitOk;
      });
    };
  });
}

void add_cancel(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("cancel", "End flares, whether they wait or run");
  sub->footer("Example:\n  gust cancel 6e1c4b0f9a2d4f5e8b7a6c5d4e3f2a1b");
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  auto ids = std::make_shared<std::vector<std::string>>();
  sub->add_option("id", *ids, "The flares' ids")->required();
  sub->callback([&chosen, options, ids] {
    chosen.run = [options, ids] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        for (const std::string& id : *ids) {
          const Json flare = GUST_TRY(api.remove("/namespaces/_/flares/" + http::percent_encode(id)));
          fmt::print("flare {}: {}\n", id, flare.at("state").get<std::string>());
        }
        return kExitOk;
      });
    };
  });
}

}  // namespace gust::cli
