// Whether a driver works on this machine: by trying.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "container/make_driver.h"

namespace gust::container {

struct Probe {
  std::chrono::microseconds start{};  ///< from the order to the container's existence, of one container
  std::string notice;                 ///< Driver::notice()
};

/// Makes the driver, starts one gust-pack in it that finds nothing to do, and waits for its end. Blocks, at most ten
/// seconds. Errors: as make_driver(), and why the container could not be made.
Result<Probe> try_driver(std::string_view name, const DriverOptions& options);

}  // namespace gust::container
