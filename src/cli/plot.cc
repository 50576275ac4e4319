#include "cli/plot.h"

#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/result_paths.h"
#include "stats/figures.h"
#include "stats/gnuplot.h"

namespace gust::cli {

namespace {

struct PlotRequest {
  std::vector<std::filesystem::path> paths;
  std::filesystem::path output;
  std::optional<std::uint32_t> run;
  bool logarithmic = false;
};

enum class Figure : std::uint8_t { kStartup, kSimultaneity };

int run_plot(Figure figure, const PlotRequest& options) {
  if (auto known = stats::check_figure_path(options.output); !known) return report(known.error());
  const stats::ResultSet set = stats::read_result_set(options.paths);
  // A figure that silently lacks a row would mislead: no figure then.
  if (const int code = report_faults(set); code != kExitOk) return code;
  const auto axis = options.logarithmic ? stats::LatencyAxis::kLogarithmic : stats::LatencyAxis::kLinear;
  const Result<void> drawn = figure == Figure::kStartup
                                 ? stats::draw_startup(set.files, axis, options.output)
                                 : stats::draw_simultaneity(set.files, options.run, options.output);
  if (!drawn) return report(drawn.error());
  fmt::print("{}\n", options.output.string());
  return kExitOk;
}

CLI::App* add_figure(CLI::App& plot, Chosen& chosen, Figure figure, const std::string& name,
                     const std::string& description, const std::shared_ptr<PlotRequest>& options) {
  CLI::App* command = plot.add_subcommand(name, description);
  command->add_option("paths", options->paths, kPathsHelp)->required()->type_name("DIR|FILE");
  add_output(*command, options->output);
  command->callback([figure, options, &chosen] { chosen.run = [=] { return run_plot(figure, *options); }; });
  return command;
}

}  // namespace

void add_output(CLI::App& command, std::filesystem::path& output) {
  output = command.get_name() + ".png";
  command.add_option("-o,--output", output, "The figure; its extension .pdf, .png or .svg says the format")
      ->capture_default_str()
      ->type_name("FILE");
}

void add_plot(CLI::App& app, Chosen& chosen) {
  CLI::App* plot = app.add_subcommand("plot", "Figures of result files (drawn by gnuplot)");
  plot->require_subcommand(1);
  plot->footer("Example:\n  gust plot startup results/960 -o startup.pdf");

  auto startup_options = std::make_shared<PlotRequest>();
  CLI::App* startup =
      add_figure(*plot, chosen, Figure::kStartup, "startup",
                 "Box plots of start-up latency: one panel a burst size, one row a granularity", startup_options);
  startup->add_flag("--log", startup_options->logarithmic, "A logarithmic axis, for latencies of very different size");
  startup->footer("Example:\n  gust plot startup results/240 results/960 -o startup.pdf");

  auto options = std::make_shared<PlotRequest>();
  CLI::App* simultaneity =
      add_figure(*plot, chosen, Figure::kSimultaneity, "simultaneity",
                 "A bar for each worker's life under the curve of how many run at once; one panel a file", options);
  simultaneity->add_option("--run", options->run, "Which repeat to draw; the first if not given")->type_name("N");
  simultaneity->footer(
      "Bars are sorted by invoker and start, and coloured by invoker (four colours in turn).\n\n"
      "Example:\n  gust plot simultaneity results/960/faas.csv results/960/gran48.csv -o simultaneity.svg");
  add_plot_transfers(*plot, chosen);
}

}  // namespace gust::cli
