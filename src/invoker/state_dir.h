// The invoker's directory: locked while it is in use, and emptied at both ends.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/fd.h"
#include "base/result.h"

namespace gust::invoker {

class StateDir {
 public:
  /// Creates `path` (mode 0700) where it does not exist, and removes what an earlier invoker left in it. Errors:
  /// kExists when another invoker uses it, kInternal when it cannot be had.
  static Result<StateDir> open(const std::filesystem::path& path);
  /// Removes what is in it, and the directory itself if it was created here.
  ~StateDir();
  StateDir(StateDir&&) = default;
  StateDir& operator=(StateDir&&) = delete;

  [[nodiscard]] std::filesystem::path code() const { return path_ / "code"; }

 private:
  enum class Origin : std::uint8_t { kFound, kCreated };
  StateDir(std::filesystem::path path, Origin origin, UniqueFd lock)
      : path_(std::move(path)), origin_(origin), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  Origin origin_;
  UniqueFd lock_;  // empty in what was moved from
};

}  // namespace gust::invoker
