#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "stats/figures.h"
#include "stats/gnuplot.h"
#include "stats/panel_grid.h"
#include "stats/report.h"

namespace gust::stats {

namespace {

constexpr std::size_t kMostColumns = 4;
constexpr double kRowHeight = 0.27;     // inches
constexpr double kLabelWidth = 0.075;   // inches a letter of the row labels
constexpr double kBoxHalfHeight = 0.3;  // of a row
constexpr std::string_view kFaas = "FaaS";

struct Panel {
  std::string title;
  std::string subtitle;
  std::map<std::string, const ResultFile*> by_label;
};

std::vector<Panel> panels_of(std::span<const ResultFile> files) {
  std::vector<std::pair<std::filesystem::path, std::vector<const ResultFile*>>> directories;
  std::map<std::size_t, std::size_t> directories_of_size;
  for (const ResultFile& file : files) {
    const std::filesystem::path directory = file.path.lexically_normal().parent_path();
    auto known = std::ranges::find(directories, directory, [](const auto& entry) { return entry.first; });
    if (known == directories.end()) {
      known = directories.insert(known, {directory, {}});
      ++directories_of_size[file.burst_size];
    }
    known->second.push_back(&file);
  }
  std::vector<Panel> panels;
  for (const auto& [directory, members] : directories) {
    Panel& panel = panels.emplace_back();
    const std::size_t size = members.front()->burst_size;
    std::size_t distinct = 0;
    for (const ResultFile* file : members) {
      panel.by_label.emplace(file->label(), file);
      for (const Run& run : file->runs) distinct = std::max(distinct, run.workers.size());
    }
    panel.title = fmt::format("{} workers", size);
    if (distinct != size) panel.title += fmt::format(" ({} distinct)", distinct);
    if (directories_of_size[size] > 1) panel.subtitle = members.front()->directory_name();
  }
  return panels;
}

// The rows of all panels, top to bottom: FaaS, granularities ascending, other files.
std::vector<std::string> rows_of(std::span<const ResultFile> files) {
  std::map<std::tuple<int, std::uint32_t, std::string>, std::string> rows;
  for (const ResultFile& file : files) {
    const std::string label = file.label();
    const bool faas = label == kFaas;
    const bool packs = file.granularity.kind == Granularity::Kind::kPacks;
    rows.emplace(std::tuple(faas ? 0 : packs ? 1 : 2, faas ? 0 : file.granularity.workers_per_pack, label), label);
  }
  std::vector<std::string> labels;
  for (const auto& [order, label] : rows) labels.push_back(label);
  return labels;
}

std::vector<double> all_latencies(const ResultFile& file) {
  std::vector<double> all;
  for (const Run& run : file.runs) std::ranges::copy(latencies(run), std::back_inserter(all));
  return all;
}

// Columns of $box: row, whisker, quartile, median, quartile, whisker, colour; of $far: value, row, colour.
std::string panel_data(const Panel& panel, const std::vector<std::string>& rows, const TimeScale& scale) {
  std::string boxes;
  std::string outliers;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto found = panel.by_label.find(rows[row]);
    if (found == panel.by_label.end()) continue;
    const Box box = box_of(all_latencies(*found->second));
    // gnuplot reads a colour from a column as a number.
    const std::string colour = fmt::format("0x{}", (rows[row] == kFaas ? colour::kVermilion : colour::kBlue).substr(1));
    const double unit = scale.per_second;
    boxes +=
        fmt::format("{} {:.9g} {:.9g} {:.9g} {:.9g} {:.9g} {}\n", row, box.whisker_low * unit, box.quartile1 * unit,
                    box.median * unit, box.quartile3 * unit, box.whisker_high * unit, colour);
    for (const double outlier : box.outliers) {
      outliers += fmt::format("{:.9g} {} {}\n", outlier * unit, row, colour);
    }
  }
  // A block without a single row would be an error.
  if (outliers.empty()) outliers = "NaN NaN 0\n";
  return fmt::format("$box << END\n{}END\n$far << END\n{}END\n", boxes, outliers);
}

std::string row_labels(const std::vector<std::string>& rows, bool shown) {
  std::string tics;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    tics += fmt::format("{}{} {}", row == 0 ? "" : ", ", shown ? gnuplot_quote(rows[row]) : "''", row);
  }
  return fmt::format("set ytics ({}) scale 0\n", tics);
}

std::string x_axis(LatencyAxis axis, double lowest, double highest) {
  if (axis == LatencyAxis::kLogarithmic) {
    return fmt::format("set logscale x\nset xrange [{:.9g}:{:.9g}]\n", lowest / 1.2, highest * 1.2);
  }
  // Latency is read against zero; below it only where clocks differ.
  return fmt::format("set xrange [{:.9g}:{:.9g}]\n", std::min(0.0, lowest * 1.03), highest > 0 ? highest * 1.03 : 1);
}

constexpr std::string_view kStyle = R"(set termoption noenhanced
unset key
set border 3 lc rgb '#555555'
set tics nomirror out scale 0.6 textcolor rgb '#222222'
set format x '%h'
set grid xtics back lc rgb '#DDDDDD' lw 0.8 lt 1
)";

constexpr std::string_view kPlot = R"(plot \
  $box using 2:1:($3-$2):(0):7 with vectors nohead lw 1.1 lc rgb variable, \
  $box using 5:1:($6-$5):(0):7 with vectors nohead lw 1.1 lc rgb variable, \
  $box using 2:($1-h/2):(0):(h):7 with vectors nohead lw 1.1 lc rgb variable, \
  $box using 6:($1-h/2):(0):(h):7 with vectors nohead lw 1.1 lc rgb variable, \
  $far using 1:2:3 with points pt 7 ps 0.28 lc rgb variable, \
  $box using 4:1:3:5:($1-h):($1+h):7 with boxxyerror fs solid 0.3 border lw 1.1 lc rgb variable, \
  $box using 4:($1-h+0.05):(0):(2*h-0.1):7 with vectors nohead lw 2.4 lc rgb variable
)";

}  // namespace

Result<void> draw_startup(std::span<const ResultFile> files, LatencyAxis axis, const std::filesystem::path& path) {
  const std::vector<Panel> panels = panels_of(files);
  const std::vector<std::string> rows = rows_of(files);
  double lowest = std::numeric_limits<double>::max();
  double highest = 0;
  std::size_t most_runs = 1;
  for (const ResultFile& file : files) {
    most_runs = std::max(most_runs, file.runs.size());
    for (const double latency : all_latencies(file)) {
      lowest = std::min(lowest, latency);
      highest = std::max(highest, latency);
    }
  }
  if (axis == LatencyAxis::kLogarithmic && lowest <= 0) {
    return fail(ErrorCode::kInvalid,
                fmt::format("a latency of {} s cannot stand on a logarithmic axis; draw a linear one", lowest));
  }
  const TimeScale scale = time_scale(highest);
  std::size_t longest_label = 0;
  for (const std::string& row : rows) longest_label = std::max(longest_label, row.size());

  const bool any_subtitle = std::ranges::any_of(panels, [](const Panel& panel) { return !panel.subtitle.empty(); });
  const PanelGrid grid(panels.size(), kMostColumns,
                       {.width = panels.size() == 1 ? 4.2 : 2.3,
                        .height = kRowHeight * static_cast<double>(rows.size()),
                        .column_gap = 0.2,
                        .row_gap = 0.95,
                        .left = 0.5 + kLabelWidth * static_cast<double>(longest_label),
                        .right = 0.2,
                        .top = any_subtitle ? 0.8 : 0.65,
                        .bottom = 0.75});
  const FigureSize size = grid.size();
  std::string script(kStyle);
  script += fmt::format("h = {}\n", kBoxHalfHeight);
  script += x_axis(axis, lowest * scale.per_second, highest * scale.per_second);
  // The long label needs the height of some rows.
  const char* y_label = rows.size() < 5 ? "Granularity" : "Granularity (workers per pack)";
  script += fmt::format("set yrange [{}:-0.5]\n", static_cast<double>(rows.size()) - 0.5);
  script += "set label 1 'Start-up latency of workers' at screen 0.5, screen " +
            fmt::format("{:.5f} center font ',10'\n", 1 - 0.2 / size.height);
  script +=
      fmt::format("set label 2 {} at screen 0.5, screen {:.5f} center font ',6.5' textcolor rgb '#666666'\n",
                  gnuplot_quote(fmt::format("box: quartiles, median; whiskers: within 1.5 IQR; dots: beyond{}",
                                            most_runs > 1 ? fmt::format("; up to {} runs a box", most_runs) : "")),
                  0.13 / size.height);
  script += "set multiplot\n";
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const std::string& subtitle = panels[i].subtitle;
    script += panel_data(panels[i], rows, scale) + grid.place(i);
    script += fmt::format("set title {}{} font ',8.5' offset 0,-0.4\n", gnuplot_quote(panels[i].title),
                          subtitle.empty() ? "" : ".\"\\n\"." + gnuplot_quote(subtitle));
    script += row_labels(rows, grid.is_leftmost(i));
    if (grid.is_leftmost(i)) script += grid.side_label(i, y_label);
    script +=
        grid.is_lowest(i) ? fmt::format("set xlabel 'Latency ({})' offset 0,0.3\n", scale.unit) : "unset xlabel\n";
    script += kPlot;
    // Labels on the canvas would be drawn once more with every panel.
    script += "unset label\n";
  }
  script += "unset multiplot\n";
  return draw_figure(path, size, script);
}

}  // namespace gust::stats
