// gust drain, gust uncordon: an invoker that is to go, or is back.
#include <fmt/format.h>

#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "http/target.h"

namespace gust::cli {

namespace {

void add(CLI::App& app, Chosen& chosen, const std::string& name, const std::string& help, const std::string& footer) {
  CLI::App* sub = app.add_subcommand(name, help);
  sub->footer(footer);
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  auto invoker = std::make_shared<std::string>();
  sub->add_option("invoker", *invoker, "Its name, or its id in gust status")->required();
  sub->callback([&chosen, options, invoker, name] {
    chosen.run = [options, invoker, name] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const Json status =
            GUST_TRY(api.post(fmt::format("/gust/invokers/{}/{}", http::percent_encode(*invoker), name), {}, ""));
        fmt::print("invoker {} ({}) {}; {} packs run there\n", status.at("id").get<std::uint64_t>(),
                   status.at("name").get<std::string>(),
                   status.at("drained").get<bool>() ? "takes nothing new" : "takes packs again",
                   status.at("packs").get<std::uint64_t>());
        return kExitOk;
      });
    };
  });
}

}  // namespace

void add_drain(CLI::App& app, Chosen& chosen) {
  add(app, chosen, "drain", "Give an invoker no further packs",
      "What runs there goes on to its end: when gust status says `drained`, the invoker can be stopped and no flare "
      "is\n"
      "lost. gust uncordon takes it back.\n\nExample:\n  gust drain node-17");
}

void add_uncordon(CLI::App& app, Chosen& chosen) {
  add(app, chosen, "uncordon", "Give an invoker that was drained packs again", "Example:\n  gust uncordon node-17");
}

}  // namespace gust::cli
