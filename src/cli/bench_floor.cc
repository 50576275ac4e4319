// gust bench floor: the machine under the platform.
#include <fmt/format.h>

#include "base/json.h"
#include "bench/floor.h"
#include "bench/mode.h"
#include "cli/bench.h"
#include "cli/exit_code.h"
#include "cli/positive.h"
#include "stats/quantiles.h"

namespace gust::cli {

namespace {

struct FloorRequest {
  std::uint32_t workers = 960;
  std::string granularity = "1,2,4,6,12,24,48";
  std::uint32_t repeat = 1;
  bool json = false;
  bool namespaces = false;
  bool prewarmed = false;  ///< the processes exist before
};

Result<ExitCode> run_floor(const FloorRequest& wanted) {
  const std::vector<bench::Mode> modes = GUST_TRY(bench::parse_modes(wanted.granularity));
  Json list = Json::array();
  if (!wanted.json) {
    fmt::print("The kernel alone, in ms: {}\n{:>11} {:>8} {:>9} {:>9} {:>9}\n",
               wanted.prewarmed ? "threads, in processes that exist" : "vfork, exec of gust-pack, threads",
               "granularity", "workers", "p50", "p99", "max");
  }
  for (const bench::Mode mode : modes) {
    for (std::uint32_t run = 1; run <= wanted.repeat; ++run) {
      const auto starts = GUST_TRY(bench::measure_floor(
          {.workers = wanted.workers,
           .granularity = mode.granularity,
           .namespaces = wanted.namespaces ? bench::Namespaces::kSandbox : bench::Namespaces::kNone,
           .prewarmed = wanted.prewarmed},
          beside_us("gust-pack").string()));
      const stats::Summary summary = stats::summarize(starts);
      list.push_back({{"granularity", mode.granularity},
                      {"run", run},
                      {"workers", wanted.workers},
                      {"min", summary.min},
                      {"p50", summary.p50},
                      {"p99", summary.p99},
                      {"max", summary.max}});
      if (!wanted.json) {
        fmt::print("{:>11} {:>8} {:>9.1f} {:>9.1f} {:>9.1f}\n", mode.granularity, wanted.workers, summary.p50 * 1e3,
                   summary.p99 * 1e3, summary.max * 1e3);
      }
    }
  }
  if (wanted.json) fmt::print("{}\n", list.dump(2));
  return kExitOk;
}

}  // namespace

void add_bench_floor(CLI::App& group, Chosen& chosen) {
  CLI::App* sub = group.add_subcommand("floor", "What the kernel alone needs to start the same processes and threads");
  sub->footer("Example:\n  gust bench floor --workers 960 --granularity 1,48 --repeat 5");
  auto wanted = std::make_shared<FloorRequest>();
  sub->add_option("--workers", wanted->workers, "Burst size")->capture_default_str()->check(positive());
  sub->add_option("--granularity", wanted->granularity, "Threads a process, several with commas")
      ->capture_default_str();
  sub->add_option("--repeat", wanted->repeat, "Runs of each")->capture_default_str()->check(positive());
  sub->add_flag("--namespaces", wanted->namespaces, "Each process in namespaces as a sandbox has (needs root)");
  sub->add_flag("--prewarmed", wanted->prewarmed, "The processes exist before the clock starts, as pre-warmed ones do");
  sub->add_flag("--json", wanted->json, "Print JSON: one object a run, times in seconds");
  sub->callback([&chosen, wanted] {
    chosen.run = [wanted] {
      const Result<ExitCode> code = run_floor(*wanted);
      return code ? static_cast<int>(*code) : report(code.error().while_doing("bench floor"));
    };
  });
}

}  // namespace gust::cli
