// A live line on a terminal: nothing at all when standard error is not one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gust::cli {

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// "starting [######......] 480/960  what"
  void show(std::string_view stage, std::uint64_t done, std::uint64_t of, std::string_view what);
  /// Wipes the line, so that other output can follow.
  void clear();

 private:
  bool on_terminal_;
  std::string last_;
};

}  // namespace gust::cli
