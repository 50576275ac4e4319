// Figures of lines: a measured value over a size, in panels that share their axes and one legend.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace gust::stats {

enum class ValueAxis : std::uint8_t { kLinear, kLogarithmic };

struct LineChart {
  struct Point {
    double x = 0;  ///< greater than 0: sizes stand on a logarithmic axis
    double low = 0;
    double middle = 0;
    double high = 0;
  };
  struct Line {
    std::string name;  ///< in the legend; a line of the same name in another panel looks the same
    std::vector<Point> points;
  };
  struct Panel {
    std::string title;
    std::vector<Line> lines;
  };
  /// What is written at a place of the axis of sizes.
  struct Tic {
    double x = 0;
    std::string text;
  };

  std::string title;
  std::string note;  ///< small, at the bottom
  std::string x_label;
  std::string y_label;
  ValueAxis axis = ValueAxis::kLinear;
  std::vector<Tic> tics;  ///< ascending
  std::vector<Panel> panels;
};

/// Errors as of draw_figure. Blocks.
Result<void> draw_line_chart(const LineChart& chart, const std::filesystem::path& path);

}  // namespace gust::stats
