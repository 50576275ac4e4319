#include "stats/panel_grid.h"

#include <algorithm>
#include <fmt/format.h>

namespace gust::stats {

PanelGrid::PanelGrid(std::size_t panels, std::size_t most_columns, Lengths lengths)
    : panels_(panels),
      columns_(std::clamp<std::size_t>(panels, 1, most_columns)),
      rows_((panels + columns_ - 1) / columns_),
      lengths_(lengths) {}

FigureSize PanelGrid::size() const {
  const auto columns = static_cast<double>(columns_);
  const auto rows = static_cast<double>(rows_);
  return {.width = lengths_.left + lengths_.right + columns * lengths_.width + (columns - 1) * lengths_.column_gap,
          .height = lengths_.top + lengths_.bottom + rows * lengths_.height + (rows - 1) * lengths_.row_gap};
}

double PanelGrid::top_of(std::size_t panel) const {
  const std::size_t row = panel / columns_;
  return lengths_.top + static_cast<double>(row) * (lengths_.height + lengths_.row_gap);
}

std::string PanelGrid::place(std::size_t panel) const {
  const FigureSize canvas = size();
  const double left = lengths_.left + static_cast<double>(panel % columns_) * (lengths_.width + lengths_.column_gap);
  const double top = top_of(panel);
  return fmt::format(
      "set lmargin at screen {:.5f}\nset rmargin at screen {:.5f}\nset tmargin at screen {:.5f}\n"
      "set bmargin at screen {:.5f}\n",
      left / canvas.width, (left + lengths_.width) / canvas.width, 1 - top / canvas.height,
      1 - (top + lengths_.height) / canvas.height);
}

std::string PanelGrid::side_label(std::size_t panel, std::string_view text) const {
  constexpr double kFromEdge = 0.18;
  const FigureSize canvas = size();
  const double top = top_of(panel);
  return fmt::format("set label 3 {} at screen {:.5f}, screen {:.5f} center rotate\n", gnuplot_quote(text),
                     kFromEdge / canvas.width, 1 - (top + lengths_.height / 2) / canvas.height);
}

}  // namespace gust::stats
