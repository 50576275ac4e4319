// gust bench startup: how fast bursts start.
#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "bench/startup.h"
#include "cli/api_client.h"
#include "cli/bench.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/positive.h"
#include "cli/progress.h"
#include "stats/quantiles.h"

namespace gust::cli {

namespace {

struct StartupRequest {
  std::uint32_t workers = 960;
  bench::ClusterShape cluster;
  std::string granularity = "1,2,4,6,12,24,48,faas";
  std::string memory = "256MB";
  bench::StartupOptions startup;
  std::string out;
  bool json = false;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return stats::quantile(values, 0.5);
}

void print_row(const std::string& name, const std::vector<const bench::StartupRun*>& runs) {
  const auto of = [&](auto value) {
    std::vector<double> values;
    for (const bench::StartupRun* run : runs) values.push_back(value(*run));
    return median(values);
  };
  fmt::print("{:>11} {:>8} {:>6} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f} {:>10.1f} {:>8.2f} {:>15.1f}\n", name,
             runs.front()->summary.distinct_workers, runs.front()->summary.peak_concurrent,
             of([](const auto& run) { return run.summary.latency.min * 1e3; }),
             of([](const auto& run) { return run.summary.latency.p50 * 1e3; }),
             of([](const auto& run) { return run.summary.latency.p99 * 1e3; }),
             of([](const auto& run) { return run.summary.latency.max * 1e3; }),
             of([](const auto& run) { return run.floor_max * 1e3; }),
             of([](const auto& run) { return run.ratio_to_floor; }),
             of([](const auto& run) { return static_cast<double>(run.controller_cpu.count()) / 1e3; }));
}

void print_table(const std::vector<bench::StartupRun>& runs, std::uint32_t repeat) {
  fmt::print("Start-up latency in ms, from the client's call to each worker's first instruction{}\n",
             repeat > 1 ? fmt::format("; medians of {} runs", repeat) : "");
  fmt::print("{:>11} {:>8} {:>6} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8} {:>15}\n", "granularity", "workers", "peak",
             "min", "p50", "p99", "max", "floor max", "ratio", "controller CPU");
  std::vector<std::string> order;
  std::map<std::string, std::vector<const bench::StartupRun*>> by_mode;
  for (const bench::StartupRun& run : runs) {
    if (!by_mode.contains(run.mode.name())) order.push_back(run.mode.name());
    by_mode[run.mode.name()].push_back(&run);
  }
  for (const std::string& name : order) print_row(name, by_mode[name]);
}

Result<ExitCode> run_startup(const StartupRequest& wanted, const std::optional<Config>& elsewhere) {
  bench::StartupOptions options = wanted.startup;
  options.workers = wanted.workers;
  options.modes = GUST_TRY(bench::parse_modes(wanted.granularity));
  options.memory = GUST_TRY(parse_bytes(wanted.memory));
  options.out = wanted.out;
  options.pack_binary = beside_us("gust-pack").string();
  if (options.worker_object.empty()) options.worker_object = worker_object("sleep");

  std::unique_ptr<bench::Cluster> own;
  bench::Target target;
  if (elsewhere) {
    target = {GUST_TRY(http::parse_endpoint(elsewhere->endpoint)), GUST_TRY(client_options(*elsewhere))};
  } else {
    bench::ClusterShape shape = wanted.cluster;
    shape.memory = options.memory * shape.slots;
    options.namespaces = floor_namespaces(shape.driver);
    options.prewarmed = shape.prewarm * shape.invokers;
    own = GUST_TRY(bench::Cluster::start(shape));
    target = own->target();
  }
  ProgressBar bar;
  const auto runs = GUST_TRY(
      bench::run_startup(target, options, [&bar](std::string_view stage, std::uint32_t done, std::uint32_t of) {
        bar.show("measuring", done, of, stage);
      }));
  bar.clear();
  if (wanted.json) {
    Json list = Json::array();
    for (const bench::StartupRun& run : runs) list.push_back(bench::to_json(run));
    fmt::print("{}\n", list.dump(2));
  } else {
    print_table(runs, options.repeat);
    if (!wanted.out.empty()) fmt::print("result files in {}/{}\n", wanted.out, wanted.workers);
  }
  return kExitOk;
}

}  // namespace

void add_bench_startup(CLI::App& group, Chosen& chosen) {
  CLI::App* sub = group.add_subcommand("startup", "Start bursts of sleeping workers, and time each worker's start");
  sub->footer(
      "Example:\n  gust bench startup --workers 960 --invokers 20 --slots 48 --granularity 1,12,48,faas --out "
      "results\n\n"
      "Without --endpoint it runs a cluster of its own and ends it. Each run is measured beside the machine's floor\n"
      "(gust bench floor) of the same shape, both after half a second of quiet; ratio is max / floor max. With\n"
      "--driver sandbox the floor has its namespaces; with --prewarm its processes exist before the clock starts, and\n"
      "it only creates threads.");
  auto wanted = std::make_shared<StartupRequest>();
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  sub->add_option("--workers", wanted->workers, "Burst size")->capture_default_str()->check(positive());
  sub->add_option("--invokers", wanted->cluster.invokers, "Invokers of the cluster of its own")
      ->capture_default_str()
      ->check(positive());
  sub->add_option("--slots", wanted->cluster.slots, "Slots of each")->capture_default_str()->check(positive());
  sub->add_option("--driver", wanted->cluster.driver, "Their container driver")->capture_default_str();
  sub->add_option("--prewarm", wanted->cluster.prewarm, "Empty containers that each keeps ready")
      ->capture_default_str();
  add_pack_start(*sub, wanted->cluster);
  sub->add_option("--granularity", wanted->granularity,
                  "Workers a pack, several with commas; faas: one invocation each")
      ->capture_default_str();
  sub->add_option("--sleep", wanted->startup.sleep, "Seconds that each worker sleeps")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  sub->add_option("--repeat", wanted->startup.repeat, "Runs of each")->capture_default_str()->check(positive());
  sub->add_option("--outstanding", wanted->startup.outstanding, "Invocations under way at once, for faas")
      ->capture_default_str()
      ->check(positive());
  sub->add_option("--memory", wanted->memory, "Memory limit of each container")->capture_default_str();
  sub->add_option("--code", wanted->startup.worker_object, "The compiled worker; default: examples/sleep.cc's");
  sub->add_option("--out", wanted->out, "Folder for result files, one for each granularity");
  sub->add_flag("--json", wanted->json, "Print JSON: one object a run, times in seconds");
  sub->callback([&chosen, options, wanted, sub] {
    const bool elsewhere = sub->count("--endpoint") > 0;
    chosen.run = [options, wanted, elsewhere] {
      std::optional<Config> config;
      if (elsewhere) {
        auto loaded = options->load();
        if (!loaded) return report(loaded.error());
        config = *loaded;
      }
      const Result<ExitCode> code = run_startup(*wanted, config);
      return code ? static_cast<int>(*code) : report(code.error().while_doing("bench startup"));
    };
  });
}

}  // namespace gust::cli
