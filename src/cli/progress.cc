#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>

namespace gust::cli {

namespace {

// A line that wraps could not be drawn over; in the last column some terminals wrap already.
std::size_t room() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1U : 79;
}

}  // namespace

ProgressBar::ProgressBar() : on_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::show(std::string_view stage, std::uint64_t done, std::uint64_t of, std::string_view what) {
  if (!on_terminal_) return;
  constexpr std::uint64_t kWidth = 30;
  const std::uint64_t full = of == 0 ? 0 : std::min(kWidth, kWidth * done / of);
  std::string line =
      fmt::format("{:<10} [{:#<{}}{:.<{}}] {}/{}  {}", stage, "", full, "", kWidth - full, done, of, what);
  line.resize(std::min(line.size(), room()));
  if (line == last_) return;
  last_ = std::move(line);
  fmt::print(stderr, "\r\033[K{}", last_);
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (last_.empty()) return;
  last_.clear();
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace gust::cli
