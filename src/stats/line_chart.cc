#include "stats/line_chart.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

#include "stats/gnuplot.h"
#include "stats/panel_grid.h"

namespace gust::stats {

namespace {

constexpr std::size_t kMostColumns = 4;
constexpr double kLabelWidth = 0.068;  // inches a letter of the legend
constexpr double kLegendSample = 0.45;
constexpr double kTicHeight = 0.065;  // inches a letter of a label that stands upright

constexpr std::array kColours = {colour::kBlue, colour::kVermilion, colour::kGreen,
                                 colour::kPink, colour::kOrange,    colour::kGrey};
constexpr std::array kMarks = {7, 5, 9, 13, 11, 6};  // filled circle, square, triangles, diamond, then open ones

std::vector<std::string> names_of(const LineChart& chart) {
  std::vector<std::string> names;
  for (const LineChart::Panel& panel : chart.panels) {
    for (const LineChart::Line& line : panel.lines) {
      if (std::ranges::count(names, line.name) == 0) names.push_back(line.name);
    }
  }
  return names;
}

// The same colour comes again with another mark and dash.
std::string style(std::size_t line) {
  const std::size_t round = line / kColours.size();
  return fmt::format("lw 1.4 dt {} pt {} ps 0.5 lc rgb '{}'", round % 4 + 1, kMarks[(line + round) % kMarks.size()],
                     kColours[line % kColours.size()]);
}

std::string value_axis(const LineChart& chart) {
  double lowest = std::numeric_limits<double>::max();
  double highest = 0;
  for (const LineChart::Panel& panel : chart.panels) {
    for (const LineChart::Line& line : panel.lines) {
      for (const LineChart::Point& point : line.points) {
        lowest = std::min(lowest, point.low);
        highest = std::max(highest, point.high);
      }
    }
  }
  if (chart.axis == ValueAxis::kLogarithmic && lowest > 0) {
    return fmt::format("set logscale y\nset yrange [{:.9g}:{:.9g}]\n", lowest / 1.3, highest * 1.3);
  }
  return fmt::format("set yrange [0:{:.9g}]\n", highest > 0 ? highest * 1.08 : 1);
}

std::size_t longest_tic(const LineChart& chart) {
  std::size_t longest = 0;
  for (const LineChart::Tic& tic : chart.tics) longest = std::max(longest, tic.text.size());
  return longest;
}

// Whether the labels of sizes are too long to stand side by side.
bool upright(const LineChart& chart) { return longest_tic(chart) > 3; }

std::string size_axis(const LineChart& chart) {
  std::string tics;
  for (const LineChart::Tic& tic : chart.tics) {
    tics += fmt::format("{}{} {:.9g}", tics.empty() ? "" : ", ", gnuplot_quote(tic.text), tic.x);
  }
  // A single size would have no width.
  const double margin = chart.tics.size() > 1 ? 1.25 : 2;
  return fmt::format("set logscale x 2\nset xrange [{:.9g}:{:.9g}]\nset xtics {} ({})\n", chart.tics.front().x / margin,
                     chart.tics.back().x * margin, upright(chart) ? "rotate by 90 right" : "norotate", tics);
}

std::string panel_plot(const LineChart::Panel& panel, const std::vector<std::string>& names, bool with_legend) {
  std::string data;
  std::string plot;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto line = std::ranges::find(panel.lines, names[i], &LineChart::Line::name);
    data += fmt::format("$line{} << END\n", i);
    if (line == panel.lines.end()) data += "NaN NaN NaN NaN\n";  // a block without a row would be an error
    if (line != panel.lines.end()) {
      for (const LineChart::Point& point : line->points) {
        data += fmt::format("{:.9g} {:.9g} {:.9g} {:.9g}\n", point.x, point.middle, point.low, point.high);
      }
    }
    data += "END\n";
    plot += fmt::format("{}$line{} using 1:3:(0):($4-$3) notitle with vectors nohead lw 0.9 lc rgb '{}'",
                        i == 0 ? "plot " : ", ", i, kColours[i % kColours.size()]);
    plot += fmt::format(", $line{} using 1:2 with linespoints {} {}", i,
                        with_legend ? "title " + gnuplot_quote(names[i]) : "notitle", style(i));
  }
  return data + plot + "\n";
}

constexpr std::string_view kStyle = R"(set termoption noenhanced
set border 3 lc rgb '#555555'
set tics nomirror out scale 0.6 textcolor rgb '#222222'
set format y '%h'
set grid ytics back lc rgb '#DDDDDD' lw 0.8 lt 1
)";

}  // namespace

Result<void> draw_line_chart(const LineChart& chart, const std::filesystem::path& path) {
  const std::vector<std::string> names = names_of(chart);
  std::size_t longest_name = 0;
  for (const std::string& name : names) longest_name = std::max(longest_name, name.size());
  const double below = 0.2 + (upright(chart) ? kTicHeight * static_cast<double>(longest_tic(chart)) : 0);
  const bool titled = std::ranges::any_of(chart.panels, [](const auto& panel) { return !panel.title.empty(); });
  const bool alone = chart.panels.size() == 1;
  const PanelGrid grid(chart.panels.size(), kMostColumns,
                       {.width = alone ? 3.6 : 2.1,
                        .height = std::max(alone ? 2.4 : 1.8, 0.17 * static_cast<double>(names.size())),
                        .column_gap = 0.6,
                        .row_gap = 0.6 + below,
                        .left = 0.85,
                        .right = 0.3 + kLegendSample + kLabelWidth * static_cast<double>(longest_name),
                        .top = titled ? 0.65 : 0.45,
                        .bottom = 0.5 + below});
  const FigureSize size = grid.size();
  std::string script(kStyle);
  script += value_axis(chart) + size_axis(chart);
  script += fmt::format("set label 1 {} at screen 0.5, screen {:.5f} center font ',10'\n", gnuplot_quote(chart.title),
                        1 - 0.2 / size.height);
  script += fmt::format("set label 2 {} at screen 0.5, screen {:.5f} center font ',6.5' textcolor rgb '#666666'\n",
                        gnuplot_quote(chart.note), 0.13 / size.height);
  script += "set multiplot\n";
  for (std::size_t i = 0; i < chart.panels.size(); ++i) {
    const LineChart::Panel& panel = chart.panels[i];
    script += grid.place(i);
    script += fmt::format("set title {} font ',8.5' offset 0,-0.4\n", gnuplot_quote(panel.title));
    script += i == 0 ? fmt::format(
                           "set key at screen {:.5f}, screen {:.5f} right top Left reverse samplen 1.6 "
                           "spacing 1.05 font ',7.5'\n",
                           1 - 0.08 / size.width, 1 - (titled ? 0.6 : 0.4) / size.height)
                     : "unset key\n";
    if (grid.is_leftmost(i)) script += grid.side_label(i, chart.y_label);
    script += grid.is_lowest(i) ? fmt::format("set xlabel {} offset 0,0.3\n", gnuplot_quote(chart.x_label))
                                : "unset xlabel\n";
    script += panel_plot(panel, names, i == 0);
    // Labels on the canvas would be drawn once more with every panel.
    script += "unset label\n";
  }
  script += "unset multiplot\n";
  return draw_figure(path, size, script);
}

}  // namespace gust::stats
