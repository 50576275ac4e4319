// Where the panels of a figure stand on its canvas.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "stats/gnuplot.h"

namespace gust::stats {

/// Panels of one size in rows and columns. Lengths in inches, so that letters keep their proportion to everything else
/// whatever the number of panels.
class PanelGrid {
 public:
  struct Lengths {
    double width = 0;       ///< of a panel's axes
    double height = 0;      ///< of a panel's axes
    double column_gap = 0;  ///< between the axes of two panels side by side
    double row_gap = 0;     ///< between the axes of two panels one above the other
    double left = 0;        ///< around all of them
    double right = 0;
    double top = 0;
    double bottom = 0;
  };

  PanelGrid(std::size_t panels, std::size_t most_columns, Lengths lengths);

  [[nodiscard]] FigureSize size() const;
  [[nodiscard]] bool is_leftmost(std::size_t panel) const { return panel % columns_ == 0; }
  /// No other panel stands below.
  [[nodiscard]] bool is_lowest(std::size_t panel) const { return panel + columns_ >= panels_; }
  /// gnuplot's commands that put the next plot there.
  [[nodiscard]] std::string place(std::size_t panel) const;
  /// gnuplot's command for a text along the canvas's left side, in the middle of that panel's height. (gnuplot's own
  /// ylabel keeps another distance in each format.)
  [[nodiscard]] std::string side_label(std::size_t panel, std::string_view text) const;

 private:
  [[nodiscard]] double top_of(std::size_t panel) const;  // of its axes, inches from the canvas's

  std::size_t panels_;
  std::size_t columns_;
  std::size_t rows_;
  Lengths lengths_;
};

}  // namespace gust::stats
