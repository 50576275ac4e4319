// The one place that knows all drivers by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "container/driver.h"
#include "container/launcher/child.h"
#include "container/launcher/prewarm_pool.h"
#include "container/sandbox/namespaces.h"

namespace gust::container {

struct Image;

struct DriverOptions {
  std::string pack_binary;      ///< absolute; empty for gust-pack beside the running executable
  std::string launcher_binary;  ///< absolute; empty for gust-launcher beside the running executable
  /// Absolute; its last part is created if need be. The containers' working directories lie in `packs` below it. One
  /// driver at a time.
  std::string state_dir;
  /// Absolute, or empty for none: what every container can read. Made if need be.
  std::string code_dir{};
  Network network = Network::kHost;
  /// Of the drivers process and sandbox; packs of images are executed in any case (launcher/child.h).
  PackStart pack_start = PackStart::kFork;
  std::string oci_runtime = "runc";  ///< of the driver oci: a program's name or path
  std::string image_dir{};           ///< of images (images/image_store.h); empty for its default
  /// Pythons of the host beside that of its programs (base/runtimes.h): containers without an image can read them.
  std::vector<std::string> pythons{};
  /// Empty containers that are kept ready; start() takes one of them where it can. Ignored by a driver without any.
  Prewarm prewarm{};
};

/// The gust-pack beside the running executable. kNotFound.
Result<std::string> pack_program();

/// What Driver::notice() of that driver says, without making one. kInvalid as make_driver().
Result<std::string> driver_notice(std::string_view name);

/// Blocks until the driver is ready: some milliseconds, more when an earlier driver left full working directories.
/// Errors: kInvalid for a name that is not one of the drivers', naming those; kNotFound for a binary that is missing;
/// kExists when another driver uses the state directory; kVersionMismatch for a launcher of another build; kTimedOut;
/// kUnavailable, kInternal.
Result<std::unique_ptr<Driver>> make_driver(std::string_view name, const DriverOptions& options);

}  // namespace gust::container
