// One run of an OCI runtime: it creates and starts a container from a bundle, and ends.
#pragma once

#include <string>
#include <sys/types.h>

#include "container/launcher/descriptors.h"

namespace gust::container {

/// The files of a container's bundle.
struct Bundle {
  std::string directory;  ///< absolute

  [[nodiscard]] std::string state() const { return directory + "/state"; }
  [[nodiscard]] std::string log() const { return directory + "/log"; }
  [[nodiscard]] std::string pid_file() const { return directory + "/pid"; }
};

/// Starts it without waiting. The container gets the descriptors as its own. -1 with errno set.
pid_t start_runtime(const char* runtime, const Bundle& bundle, const std::string& name,
                    const ChildDescriptors& descriptors);

/// The container's first process, after the runtime ended well; 0 when it did not say.
pid_t read_pid(const Bundle& bundle);

/// The number of this process's child `pid` in the namespace of which `host_proc` is the /proc, or 0.
pid_t pid_outside(int host_proc, pid_t pid);

}  // namespace gust::container
