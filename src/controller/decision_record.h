// The file in which the scheduler's decisions are written down, for `gust simulate --replay`. Only on the controller's
// strand.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace gust::controller {

/// It has a beginning and no gap, for a replay starts from nothing: when it is full, nothing more is added, and the log
/// says so once. Lines are written through the page cache, and what fails there is not noticed.
class DecisionRecord {
 public:
  /// Empties the file. kInvalid when it cannot be written.
  static Result<std::unique_ptr<DecisionRecord>> create(const std::filesystem::path& path, Bytes limit);

  /// Adds a line, which has no end yet.
  void add(std::string_view line);

 private:
  DecisionRecord(std::filesystem::path path, Bytes limit);

  std::filesystem::path path_;
  std::ofstream file_;  // closed when the record is full
  Bytes limit_;
  Bytes size_;
};

}  // namespace gust::controller
