// gust-launcher as the keeper of OCI containers: it runs the runtime for each, watches the containers' first processes,
// and ends with all of them.
//
// It is process 1 of a process namespace in which runtimes and containers live, so that the kernel ends them with it,
// whatever they do. A parent of it outside, the warden, does nothing but end with it.
#pragma once

#include "base/fd.h"

namespace gust::container {

struct KeeperOptions {
  const char* directory = "";  ///< of bundles, absolute; each is called as its container's id
  const char* runtime = "";    ///< absolute
};

/// Serves until the driver is gone, and leaves no container behind. The exit status for main, as of Launcher::run().
/// `log` is for what nobody else can be told. The protocol is that of launcher/frames.h; what stands in a start entry
/// but the id was written into the bundle by the driver.
int run_keeper(UniqueFd socket, UniqueFd log, const KeeperOptions& options);

}  // namespace gust::container
