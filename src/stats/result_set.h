// The result files that a person means when they name files or directories.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "stats/runs.h"

namespace gust::stats {

/// What a file's name says: gran<g>.csv is packs of g workers, faas.csv separate invocations.
struct Granularity {
  enum class Kind : std::uint8_t { kPacks, kFaas, kOther };
  Kind kind = Kind::kOther;
  std::uint32_t workers_per_pack = 0;  ///< kPacks
  std::string file_name;               ///< kOther

  auto operator<=>(const Granularity&) const = default;
};

Granularity granularity_of(const std::filesystem::path& path);

struct ResultFile {
  std::filesystem::path path;
  Granularity granularity;
  /// Packs of one worker where no faas.csv stands beside: the experiment's stand-in for FaaS.
  bool stands_for_faas = false;
  std::size_t burst_size = 0;  ///< the directory's name, if that is a number, else the distinct workers of a run
  std::vector<Run> runs;       ///< at least one, each with at least one worker

  /// What stands on the file's row in figures: "FaaS", "48", or the file's name.
  [[nodiscard]] std::string label() const;
  /// As much of the directory's path as tells experiments apart in a figure: its last two names, at most 32 letters.
  [[nodiscard]] std::string directory_name() const;
};

struct ResultSet {
  std::vector<ResultFile> files;
  std::vector<Error> refused;  ///< each names its file; kInvalid
};

/// Reads every file named, and of every directory named its gran<g>.csv and faas.csv and those of its subdirectories
/// whose names are numbers (burst sizes). Directories in the order given, sizes ascending, FaaS first and granularities
/// ascending; a file named twice is read once. Blocks.
ResultSet read_result_set(std::span<const std::filesystem::path> paths);

}  // namespace gust::stats
