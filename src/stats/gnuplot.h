// Figures: gnuplot draws them, run as a child process.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::stats {

/// Inches.
struct FigureSize {
  double width = 0;
  double height = 0;
};

/// Draws a script (which must set neither terminal nor output) into a file whose extension says the format: .pdf, .png
/// or .svg. The file is there complete or, after an error, as it was before. kInvalid for another extension or a path
/// that cannot be written, kInternal if gnuplot is not installed or fails, kTimedOut past kDrawingLimit. Blocks until
/// drawn.
Result<void> draw_figure(const std::filesystem::path& path, FigureSize size, std::string_view script);

/// kInvalid unless the extension is one that draw_figure knows: to be asked before the work is done.
Result<void> check_figure_path(const std::filesystem::path& path);

/// A hundred thousand bars take a few seconds.
inline constexpr std::chrono::seconds kDrawingLimit{120};

/// Any text as a gnuplot string on one line.
std::string gnuplot_quote(std::string_view text);

/// Colours that people with any colour vision can tell apart (Okabe and Ito's set).
namespace colour {
inline constexpr std::string_view kBlue = "#0072B2";
inline constexpr std::string_view kOrange = "#E69F00";
inline constexpr std::string_view kGreen = "#009E73";
inline constexpr std::string_view kPink = "#CC79A7";
inline constexpr std::string_view kVermilion = "#D55E00";
inline constexpr std::string_view kGrey = "#8C8C8C";
}  // namespace colour

}  // namespace gust::stats
