// Where the cgroup file systems of this machine are, and where in them the calling process is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gust::container {

/// One hierarchy, version 1 with the controllers asked for, or version 2.
struct CgroupMount {
  enum class Version { kOne, kTwo };
  Version version = Version::kTwo;
  std::string controllers;  ///< version 1: "cpu,cpuacct"
  std::string mount_point;
  std::string own;  ///< directory of the calling process, absolute; the mount point when it lies outside

  [[nodiscard]] bool has(std::string_view controller) const;
};

/// From the texts of /proc/self/mountinfo and /proc/self/cgroup.
std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo, std::string_view own_cgroups);

/// Of the calling process.
std::vector<CgroupMount> find_cgroup_mounts();

}  // namespace gust::container
