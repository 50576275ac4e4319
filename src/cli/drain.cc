// gust drain, gust uncordon: an invoker that is to go, or is back.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <thread>

#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "http/target.h"

namespace gust::cli {

namespace {

constexpr std::chrono::milliseconds kPollTime{200};

// Until nothing runs there, or it is gone. `packs_at_first` were there when it was drained.
Result<void> wait_until_empty(ApiClient& api, const std::string& name, std::uint64_t packs_at_first) {
  ProgressBar progress;
  while (true) {
    const Json status = GUST_TRY(api.get("/gust/status"));
    const Json& invokers = status.at("invokers");
    const auto found = std::ranges::find_if(invokers, [&](const Json& invoker) { return invoker.at("name") == name; });
    const auto packs = found == invokers.end() ? 0 : found->at("packs").get<std::uint64_t>();
    if (packs == 0) return {};
    progress.show("draining", packs_at_first - std::min(packs, packs_at_first), packs_at_first, "packs have ended");
    std::this_thread::sleep_for(kPollTime);
  }
}

CLI::App& add(CLI::App& app, Chosen& chosen, const std::string& name, const std::shared_ptr<bool>& wait,
              const std::string& help, const std::string& footer) {
  CLI::App* sub = app.add_subcommand(name, help);
  sub->footer(footer);
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  auto invoker = std::make_shared<std::string>();
  sub->add_option("invoker", *invoker, "Its name, or its id in gust status")->required();
  sub->callback([&chosen, options, invoker, name, wait] {
    chosen.run = [options, invoker, name, wait] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const Json status =
            GUST_TRY(api.post(fmt::format("/gust/invokers/{}/{}", http::percent_encode(*invoker), name), {}, ""));
        fmt::print("invoker {} ({}) {}; {} packs run there\n", status.at("id").get<std::uint64_t>(),
                   status.at("name").get<std::string>(),
                   status.at("drained").get<bool>() ? "takes nothing new" : "takes packs again",
                   status.at("packs").get<std::uint64_t>());
        if (*wait) {
          std::fflush(stdout);
          GUST_TRY_VOID(
              wait_until_empty(api, status.at("name").get<std::string>(), status.at("packs").get<std::uint64_t>()));
        }
        return kExitOk;
      });
    };
  });
  return *sub;
}

}  // namespace

void add_drain(CLI::App& app, Chosen& chosen) {
  const auto wait = std::make_shared<bool>(false);
  add(app, chosen, "drain", wait, "Give an invoker no further packs",
      "What runs there goes on to its end: when gust status says `drained`, the invoker can be stopped and no flare "
      "is\n"
      "lost. gust uncordon takes it back.\n\nExample:\n  gust drain --wait node-17")
      .add_flag("--wait", *wait, "Return when nothing runs there any more");
}

void add_uncordon(CLI::App& app, Chosen& chosen) {
  add(app, chosen, "uncordon", std::make_shared<bool>(false), "Give an invoker that was drained packs again",
      "Example:\n  gust uncordon node-17");
}

}  // namespace gust::cli
