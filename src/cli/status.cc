// gust status: the invokers, what they have free, and the queue.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"

namespace gust::cli {

namespace {

std::string use_of(const Json& invoker) {
  if (!invoker.at("drained").get<bool>()) return "open";
  return invoker.at("packs").get<std::uint64_t>() == 0 ? "drained" : "draining";
}

// Behind its use, which has at most eight letters.
std::string certificate_of(const Json& invoker) {
  if (!invoker.contains("certificate_ends")) return "";
  const auto ends = static_cast<std::time_t>(invoker.at("certificate_ends").get<double>());
  return fmt::format("{:{}}{:%Y-%m-%d %H:%M:%S}", "", 10 - use_of(invoker).size(), fmt::localtime(ends));
}

void print_status(const Json& status) {
  bool with_certificates = false;
  for (const Json& invoker : status.at("invokers")) with_certificates |= invoker.contains("certificate_ends");
  fmt::print("{:<4} {:<20} {:<10} {:>8} {:>14} {:>18} {:>6} {:>9}  {}\n", "id", "invoker", "driver", "process",
             "slots free/of", "memory MB free/of", "packs", "prewarmed",
             with_certificates ? "use       certificate until" : "use");
  for (const Json& invoker : status.at("invokers")) {
    fmt::print(
        "{:<4} {:<20} {:<10} {:>8} {:>14} {:>18} {:>6} {:>9}  {}\n", invoker.at("id").get<std::uint64_t>(),
        invoker.at("name").get<std::string>(), invoker.at("driver").get<std::string>(),
        invoker.at("pid").get<std::int64_t>(),
        fmt::format("{}/{}", invoker.at("free_slots").get<std::uint64_t>(), invoker.at("slots").get<std::uint64_t>()),
        fmt::format("{}/{}", invoker.at("free_memory_bytes").get<std::uint64_t>() >> 20,
                    invoker.at("memory_bytes").get<std::uint64_t>() >> 20),
        invoker.at("packs").get<std::uint64_t>(), invoker.at("prewarmed").get<std::uint64_t>(),
        use_of(invoker) + certificate_of(invoker));
  }
  const Json& totals = status.at("totals");
  fmt::print("{} of {} slots free, {} flares active, {} queued\n", totals.at("free_slots").get<std::uint64_t>(),
             totals.at("slots").get<std::uint64_t>(), status.at("flares").at("active").get<std::uint64_t>(),
             status.at("flares").at("queued").get<std::uint64_t>());
}

}  // namespace

void add_status(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("status", "Show the invokers, their free capacity and the queue");
  sub->footer("Example:\n  gust status");
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  auto json = std::make_shared<bool>(false);
  sub->add_flag("--json", *json, "Print JSON");
  sub->callback([&chosen, options, json] {
    chosen.run = [options, json] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const Json status = GUST_TRY(api.get("/gust/status"));
        *json ? fmt::print("{}\n", status.dump(2)) : print_status(status);
        return kExitOk;
      });
    };
  });
}

}  // namespace gust::cli
