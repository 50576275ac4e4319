// gust invoker: the node agent of one machine.
#include "invoker/invoker.h"

#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <optional>
#include <spdlog/spdlog.h>

#include "base/certificate.h"
#include "base/log.h"
#include "base/runtimes.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/invoker_monitor.h"
#include "cli/options.h"
#include "cli/temporary_dir.h"
#include "container/make_driver.h"
#include "invoker/capacity.h"
#include "invoker/identity.h"

namespace gust::cli {

namespace {

std::string default_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{}-{}", host.data(), ::getpid());
}

/// The name under which it joined before: its certificate is for that. Else the host's name and the process id.
std::string name_of(const std::filesystem::path& identity_file) {
  const auto identity = invoker::load_identity(identity_file);
  if (!identity || !*identity) return default_name();
  const auto facts = read_certificate((*identity)->certificate.chain);
  return facts ? facts->common_name : default_name();
}

/// Those without an interpreter have together the threads that all slots could need.
Result<container::Prewarm> prewarm_of(const Config& config, std::uint32_t slots) {
  const std::uint32_t containers = config.prewarm;
  for (const auto& [setting, count] :
       {std::pair("prewarm", containers), std::pair("prewarm_python", config.prewarm_python)}) {
    if (count <= slots) continue;
    return fail(ErrorCode::kInvalid, fmt::format("{} {} is more than the invoker's {} slots, of which each pack takes "
                                                 "at least one; use at most {}",
                                                 setting, count, slots, slots));
  }
  return container::Prewarm{.containers = containers,
                            .threads = containers == 0 ? 0 : (slots + containers - 1) / containers,
                            .interpreters = config.prewarm_python,
                            .python = place_runtime(config.runtimes, "python:3", "").python};
}

Result<ExitCode> run_invoker(const Config& config, std::optional<std::chrono::milliseconds> start_patience) {
  TemporaryDir temporary;  // outlives the driver, which lives in it
  if (config.state_dir.empty()) GUST_TRY_VOID(temporary.create("gust-invoker"));
  const std::filesystem::path state =
      std::filesystem::absolute(config.state_dir.empty() ? temporary.path() : config.state_dir);
  std::error_code error;
  std::filesystem::create_directories(state, error);
  if (error) return fail(ErrorCode::kInvalid, fmt::format("cannot make {}: {}", state.string(), error.message()));

  container::DriverOptions driver;
  driver.state_dir = (state / "containers").string();  // it locks and cleans its own
  driver.network = config.network == "none" ? container::Network::kNone : container::Network::kHost;
  driver.pack_start = config.pack_start == "exec" ? container::PackStart::kExec : container::PackStart::kFork;
  driver.image_dir = config.image_dir.empty() ? "" : std::filesystem::absolute(config.image_dir).string();
  driver.oci_runtime = config.oci_runtime;
  driver.pythons = host_pythons(config.runtimes);
  const std::uint32_t slots = config.slots == 0 ? invoker::detect_slots() : config.slots;
  driver.prewarm = GUST_TRY(prewarm_of(config, slots));
  driver.code_dir = (state / "code" / "code").string();
  invoker::InvokerConfig invoker;
  invoker.controller = config.controller;
  invoker.identity_file = state / "identity.pem";
  invoker.name = config.invoker_name.empty() ? name_of(invoker.identity_file) : config.invoker_name;
  invoker.join_token = config.join_token;
  invoker.slots = slots;
  invoker.memory = config.memory;
  invoker.state_dir = state / "code";
  invoker.controller_grace = config.controller_grace;
  invoker.start_patience = start_patience;
  invoker.code_cache = config.code_cache;
  invoker.drain_time = config.drain_time;
  invoker.say = [](std::string_view line) { spdlog::info("{}", line); };
  std::filesystem::create_directory(invoker.state_dir, error);
  if (!error) std::filesystem::permissions(invoker.state_dir, std::filesystem::perms::owner_all, error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("make {}: {}", invoker.state_dir.string(), error.message()));
  auto containers = GUST_TRY(container::make_driver(config.driver, driver));
  boost::asio::io_context monitoring{1};
  const auto agent = GUST_TRY(invoker::Invoker::create(std::move(invoker), std::move(containers)));
  std::unique_ptr<InvokerMonitor> monitor;
  if (!config.status_listen.empty()) {
    monitor = GUST_TRY(InvokerMonitor::start(monitoring, *agent, config.status_listen));
    spdlog::info("/ping, /ready and /metrics are served on port {}", monitor->port());
  }
  GUST_TRY_VOID(agent->run(invoker::Signals::kStop));
  return kExitOk;
}

}  // namespace

void add_invoker(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("invoker", "Run an invoker: it joins a controller and starts packs");
  sub->footer("Example:\n  gust invoker --controller burst.example:3234 --slots 48 --memory 90GB");
  auto options = std::make_shared<Options>(*sub);
  options->add("--controller", "controller")
      .add("--name", "invoker_name")
      .add("--slots", "slots")
      .add("--memory", "memory")
      .add("--driver", "driver")
      .add("--network", "network")
      .add("--oci-runtime", "oci_runtime")
      .add("--image-dir", "image_dir")
      .add("--pack-start", "pack_start")
      .add("--prewarm", "prewarm")
      .add("--prewarm-python", "prewarm_python")
      .add("--runtimes", "runtimes")
      .add("--status-listen", "status_listen")
      .add("--controller-grace", "controller_grace")
      .add("--code-cache", "code_cache")
      .add("--drain-time", "drain_time")
      .add("--join-token", "join_token")
      .add("--state-dir", "state_dir")
      .add("--log-level", "log_level");
  auto start_patience = std::make_shared<std::optional<std::chrono::milliseconds>>();
  sub->add_option_function<std::uint32_t>(
         "--start-patience-ms",
         [start_patience](std::uint32_t time) { *start_patience = std::chrono::milliseconds(time); },
         "How long `gust up` gives its controller to start")
      ->group("");
  sub->callback([&chosen, options, start_patience] {
    chosen.run = [options, start_patience] {
      const auto config = options->load();
      if (!config) return report(config.error());
      set_up_log("invoker", config->log_level);
      const Result<ExitCode> code = run_invoker(*config, *start_patience);
      return code ? static_cast<int>(*code) : report(code.error().while_doing("invoker"));
    };
  });
}

}  // namespace gust::cli
