#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "stats/concurrency.h"
#include "stats/figures.h"
#include "stats/gnuplot.h"
#include "stats/panel_grid.h"
#include "stats/report.h"

namespace gust::stats {

namespace {

constexpr std::size_t kMostColumns = 4;

// In turn, as the published scripts colour by hostname % 4: neighbours differ, and that is all a colour says.
constexpr std::array kInvokerColours = {colour::kBlue, colour::kOrange, colour::kGreen, colour::kPink};

constexpr double kMostBarsApart = 100;

struct Panel {
  const ResultFile* file = nullptr;
  const Run* run = nullptr;
  double zero = 0;      // the client's call, Unix seconds
  std::string setting;  // "Granularity 48, run 2"
  std::string numbers;  // "960 workers, at most 960 at once"
};

std::string_view colour_of(const Record& worker) {
  return worker.hostname ? kInvokerColours.at(worker.hostname->value() % kInvokerColours.size()) : colour::kGrey;
}

Result<std::vector<Panel>> panels_of(std::span<const ResultFile> files, std::optional<std::uint32_t> number) {
  std::vector<Panel> panels;
  for (const ResultFile& file : files) {
    const auto run = number ? std::ranges::find(file.runs, *number, &Run::number) : file.runs.begin();
    if (run == file.runs.end()) {
      return fail(ErrorCode::kInvalid, fmt::format("{} has no run {}; its runs are {} to {}", file.path.string(),
                                                   *number, file.runs.front().number, file.runs.back().number));
    }
    double zero = run->workers.front().host_job_create_tstamp;
    for (const Record& worker : run->workers) zero = std::min(zero, worker.host_job_create_tstamp);
    const bool packs = file.granularity.kind == Granularity::Kind::kPacks && !file.stands_for_faas;
    std::string setting = (packs ? "Granularity " : "") + file.label();
    if (file.runs.size() > 1) setting += fmt::format(", run {}", run->number);
    panels.push_back({.file = &file,
                      .run = &*run,
                      .zero = zero,
                      .setting = std::move(setting),
                      .numbers = fmt::format("{} workers, at most {} at once", run->workers.size(),
                                             peak_concurrent(lifetimes(*run)))});
  }
  return panels;
}

double last_end(const Panel& panel) {
  double last = 0;
  for (const Record& worker : panel.run->workers) last = std::max(last, worker.worker_end_tstamp - panel.zero);
  return last;
}

// Columns of $life: row, start, end, colour; of $running: time, count.
std::string panel_data(const Panel& panel, double unit) {
  std::vector<const Record*> sorted;
  for (const Record& worker : panel.run->workers) sorted.push_back(&worker);
  std::ranges::sort(sorted, {}, [](const Record* worker) {
    return std::tuple(worker->hostname, worker->worker_start_tstamp, worker->worker_end_tstamp);
  });
  std::string lives;
  for (std::size_t row = 0; row < sorted.size(); ++row) {
    lives += fmt::format("{} {:.9g} {:.9g} 0x{}\n", row + 1, (sorted[row]->worker_start_tstamp - panel.zero) * unit,
                         (sorted[row]->worker_end_tstamp - panel.zero) * unit, colour_of(*sorted[row]).substr(1));
  }
  std::string running = "0 0\n";
  for (const ConcurrencyStep& step : concurrency_curve(lifetimes(*panel.run))) {
    running += fmt::format("{:.9g} {}\n", (step.time - panel.zero) * unit, step.running);
  }
  return fmt::format("$life << END\n{}END\n$running << END\n{}END\n", lives, running);
}

// Panels that would read the same are named by their files.
std::vector<std::string> titles_of(std::span<const Panel> panels) {
  std::set<std::pair<std::string, std::string>> distinct;
  for (const Panel& panel : panels) distinct.emplace(panel.setting, panel.numbers);
  std::vector<std::string> titles;
  for (const Panel& panel : panels) {
    const std::string first =
        distinct.size() == panels.size() ? panel.setting : panel.file->directory_name() + ": " + panel.file->label();
    titles.push_back(gnuplot_quote(first) + ".\"\\n\"." + gnuplot_quote(panel.numbers));
  }
  return titles;
}

// About five marks on the axis, at round numbers.
double tic_step(double workers) {
  const double least = workers / 6;
  const double decade = std::pow(10, std::floor(std::log10(least)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (step * decade >= least) return std::max(1.0, step * decade);
  }
  return std::max(1.0, 10 * decade);
}

constexpr std::string_view kStyle = R"(set termoption noenhanced
set border 3 lc rgb '#555555'
set tics nomirror out scale 0.6 textcolor rgb '#222222'
set format '%h'
set grid xtics ytics back lc rgb '#E4E4E4' lw 0.8 lt 1
unset key
)";

constexpr std::string_view kPlot = R"(plot \
  $life using 2:1:2:3:($1-1+gap):($1-gap):4 with boxxyerror fs solid 1 noborder lc rgb variable, \
  $running using 1:2 with steps lw 1.8 lc rgb 'black'
)";

}  // namespace

Result<void> draw_simultaneity(std::span<const ResultFile> files, std::optional<std::uint32_t> run,
                               const std::filesystem::path& path) {
  const std::vector<Panel> panels = GUST_TRY(panels_of(files, run));
  const std::vector<std::string> titles = titles_of(panels);
  double last = 0;
  bool knows_invokers = false;
  for (const Panel& panel : panels) {
    last = std::max(last, last_end(panel));
    knows_invokers |= panel.run->workers.front().hostname.has_value();
  }
  const TimeScale scale = time_scale(last);
  const bool alone = panels.size() == 1;
  const double height = alone ? 3.0 : 1.9;
  const PanelGrid grid(panels.size(), kMostColumns,
                       {.width = alone ? 4.6 : 2.3,
                        .height = height,
                        .column_gap = 0.55,
                        .row_gap = 0.85,
                        .left = 0.75,
                        .right = 0.2,
                        .top = 0.8,
                        .bottom = 0.75});
  const FigureSize size = grid.size();
  std::string script(kStyle);
  script += fmt::format("set xrange [0:{:.9g}]\n", last > 0 ? last * scale.per_second * 1.03 : 1);
  script += "set label 1 'Simultaneity of workers' at screen 0.5, screen " +
            fmt::format("{:.5f} center font ',10'\n", 1 - 0.2 / size.height);
  script += fmt::format(
      "set label 2 {} at screen 0.5, screen {:.5f} center font ',6.5' textcolor rgb '#666666'\n",
      gnuplot_quote(knows_invokers ? "bar: a worker from start to end, coloured by invoker; line: workers at once"
                                   : "bar: a worker from start to end; line: workers at once"),
      0.13 / size.height);
  script += "set multiplot\n";
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const auto workers = static_cast<double>(panels[i].run->workers.size());
    script += panel_data(panels[i], scale.per_second) + grid.place(i);
    script += fmt::format("set title {} font ',8' offset 0,-0.4\n", titles[i]);
    script += fmt::format("set yrange [0:{:.9g}]\nset ytics {}\n", workers * 1.04, tic_step(workers));
    // Bars that can be told apart have a gap between them; thinner ones overlap by what may be a pixel, or the seams
    // would shine through.
    script += fmt::format("gap = {:.4g}\n", workers <= kMostBarsApart ? 0.12 : -workers / (height * 400));
    if (grid.is_leftmost(i)) script += grid.side_label(i, "Workers");
    script += grid.is_lowest(i) ? fmt::format("set xlabel 'Time since the call ({})' offset 0,0.3\n", scale.unit)
                                : "unset xlabel\n";
    script += kPlot;
    script += "unset label\n";
  }
  script += "unset multiplot\n";
  return draw_figure(path, size, script);
}

}  // namespace gust::stats
