// The cgroups that OCI runtimes make for the containers of one driver, all below one of the driver's own.
#pragma once

#include <string>
#include <vector>

#include "container/driver.h"
#include "container/sandbox/cgroup_paths.h"

namespace gust::container {

class RuntimeCgroups {
 public:
  /// Removes those of drivers whose process is gone.
  RuntimeCgroups();
  /// Removes those that are left.
  ~RuntimeCgroups();
  RuntimeCgroups(const RuntimeCgroups&) = delete;
  RuntimeCgroups& operator=(const RuntimeCgroups&) = delete;

  /// Of one container, as config.json names it.
  [[nodiscard]] std::string path(ContainerId id) const;
  /// Whether the kernel killed something in it for want of memory.
  [[nodiscard]] bool was_out_of_memory(ContainerId id) const;
  /// After everything in it has ended.
  void remove(ContainerId id) const;

 private:
  std::vector<CgroupMount> mounts_;
  std::string name_;
};

}  // namespace gust::container
