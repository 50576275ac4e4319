// gust plot pair, throughput and collective: what the subcommands of `gust bench` with these names have measured.
#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/plot.h"
#include "stats/gnuplot.h"
#include "stats/transfer_figures.h"
#include "stats/transfer_file.h"

namespace gust::cli {

namespace {

using Draw = Result<void> (*)(std::span<const stats::Transfer>, const std::filesystem::path&);

struct TransferPlotRequest {
  std::vector<std::filesystem::path> paths;
  std::filesystem::path output;
};

int run_plot(Draw draw, const TransferPlotRequest& options) {
  if (const auto known = stats::check_figure_path(options.output); !known) return report(known.error());
  std::vector<stats::Transfer> all;
  int code = kExitOk;
  for (const std::filesystem::path& path : options.paths) {
    const auto read = stats::read_transfers(path);
    if (!read) {
      code = report(read.error());
      continue;
    }
    all.insert(all.end(), read->begin(), read->end());
  }
  // A figure that silently lacks a line would mislead: no figure then.
  if (code != kExitOk) return code;
  if (const auto drawn = draw(all, options.output); !drawn) return report(drawn.error());
  fmt::print("{}\n", options.output.string());
  return kExitOk;
}

void add_figure(CLI::App& plot, Chosen& chosen, const std::string& name, const std::string& description, Draw draw,
                const std::string& example) {
  CLI::App* command = plot.add_subcommand(name, description);
  auto options = std::make_shared<TransferPlotRequest>();
  command->add_option("paths", options->paths, "Files that gust bench " + name + " has written with --out")
      ->required()
      ->type_name("FILE");
  add_output(*command, options->output);
  command->footer(
      "Points are medians over all iterations and runs, bars reach from quartile to quartile.\n\n"
      "Example:\n  gust plot " +
      name + " " + example);
  command->callback([draw, options, &chosen] { chosen.run = [=] { return run_plot(draw, *options); }; });
}

}  // namespace

void add_plot_transfers(CLI::App& plot, Chosen& chosen) {
  add_figure(plot, chosen, "pair", "MiB/s over the chunk size; one line a payload and backend", stats::draw_pair,
             "results/pair-tcp.csv results/pair-redis-list.csv -o pair.pdf");
  add_figure(plot, chosen, "throughput", "MiB/s of all pairs over the burst size; one line a payload and backend",
             stats::draw_throughput, "results/throughput-tcp.csv -o throughput.svg");
  add_figure(plot, chosen, "collective",
             "Time over the granularity; one panel an operation, one line a burst size, payload and backend",
             stats::draw_collectives, "results/broadcast-tcp.csv results/all-to-all-tcp.csv -o collective.pdf");
}

}  // namespace gust::cli
