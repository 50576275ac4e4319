#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/result_paths.h"
#include "stats/report.h"
#include "stats/stages.h"

namespace gust::cli {

namespace {

struct StatsRequest {
  std::vector<std::filesystem::path> paths;
  bool json = false;
  bool stages = false;
};

// Files whose stages are not known are told like files that cannot be read.
int print_stages(const stats::ResultSet& set, int code) {
  for (const stats::ResultFile& file : set.files) {
    const auto table = stats::stage_table(file);
    if (!table) {
      code = report(table.error());
      continue;
    }
    fmt::print("{}: where the time goes until a worker's first instruction, in ms\n{}", file.path.string(), *table);
  }
  return code;
}

int run_stats(const StatsRequest& options) {
  const stats::ResultSet set = stats::read_result_set(options.paths);
  const int code = report_faults(set);
  if (options.stages) return print_stages(set, code);
  if (options.json) {
    fmt::print("{}\n", stats::summary_json(set.files).dump(2, ' ', false, Json::error_handler_t::replace));
  } else if (!set.files.empty()) {
    fmt::print("{}", stats::summary_table(set.files));
  }
  return code;
}

}  // namespace

void add_stats(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("stats", "Start-up latency of the workers in result files, as a table");
  auto options = std::make_shared<StatsRequest>();
  command->add_option("paths", options->paths, kPathsHelp)->required()->type_name("DIR|FILE");
  CLI::Option* json =
      command->add_flag("--json", options->json, "Print an array with one object a run; times in seconds");
  command->add_flag("--stages", options->stages, "Print instead how long each stage of the start takes")
      ->excludes(json);
  command->footer(
      "Latency is worker_start_tstamp - host_job_create_tstamp. Rows that stand twice are counted once, and a warning\n"
      "says so. A file that cannot be read is refused with line and field; the others are still shown.\n\n"
      "Example:\n  gust stats results/960\n  gust stats results/960/gran48.csv --json\n  gust stats "
      "results/960/gran48.csv --stages");
  command->callback([options, &chosen] { chosen.run = [options] { return run_stats(*options); }; });
}

}  // namespace gust::cli
