// A folder of our own in the fastest temporary place, gone at the end with all that is in it. Those of processes that
// were killed before they could clean up are removed by the next one.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gust::cli {

class TemporaryDir {
 public:
  TemporaryDir() = default;
  ~TemporaryDir();
  TemporaryDir(const TemporaryDir&) = delete;
  TemporaryDir& operator=(const TemporaryDir&) = delete;

  /// "<place>/<prefix>-XXXXXX", mode 0700, where place is $TMPDIR, else /dev/shm (memory: packs' folders come and go
  /// there ten times as fast as on a busy disk), else /tmp. Places that do not permit execution of code are passed
  /// over.
  Result<void> create(std::string_view prefix);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd lock_;  // held for as long as the folder is in use
};

}  // namespace gust::cli
