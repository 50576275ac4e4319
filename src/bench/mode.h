// How a burst is started in one measurement: as one flare of a granularity, or as separate invocations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::bench {

struct Mode {
  std::uint32_t granularity = 1;  ///< workers a pack; 1 for FaaS
  bool faas = false;              ///< one invocation a worker

  /// "48" or "faas".
  [[nodiscard]] std::string name() const;
  /// "gran48.csv" or "faas.csv".
  [[nodiscard]] std::string file_name() const;
};

/// Reads "1,2,48,faas". kInvalid names the entry that is wrong.
Result<std::vector<Mode>> parse_modes(std::string_view text);

}  // namespace gust::bench
