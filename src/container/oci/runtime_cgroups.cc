#include "container/oci/runtime_cgroups.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <string_view>

namespace gust::container {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "gust-oci-";

/// Directories only: the kernel's files in them go with them.
void remove_with_children(const fs::path& cgroup) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(cgroup, error)) {
    if (entry.is_directory(error)) remove_with_children(entry.path());
  }
  ::rmdir(cgroup.c_str());
}

/// "gust-oci-<process>-<number>".
bool is_abandoned(std::string_view name) {
  if (!name.starts_with(kPrefix)) return false;
  pid_t pid = 0;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid);
  return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

RuntimeCgroups::RuntimeCgroups() : mounts_(find_cgroup_mounts()) {
  static std::atomic<unsigned> count = 0;
  name_ = fmt::format("{}{}-{}", kPrefix, ::getpid(), count++);
  for (const CgroupMount& mount : mounts_) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(mount.mount_point, error)) {
      if (is_abandoned(entry.path().filename().string())) remove_with_children(entry.path());
    }
  }
}

RuntimeCgroups::~RuntimeCgroups() {
  for (const CgroupMount& mount : mounts_) remove_with_children(fs::path(mount.mount_point) / name_);
}

std::string RuntimeCgroups::path(ContainerId id) const { return fmt::format("/{}/{}", name_, id); }

bool RuntimeCgroups::was_out_of_memory(ContainerId id) const {
  for (const CgroupMount& mount : mounts_) {
    const bool one = mount.version == CgroupMount::Version::kOne;
    if (one && !mount.has("memory")) continue;
    std::ifstream file(mount.mount_point + path(id) + (one ? "/memory.oom_control" : "/memory.events"));
    std::string key;
    for (std::uint64_t value = 0; file >> key >> value;) {
      if (key == "oom_kill" && value > 0) return true;
    }
  }
  return false;
}

void RuntimeCgroups::remove(ContainerId id) const {
  for (const CgroupMount& mount : mounts_) remove_with_children(mount.mount_point + path(id));
}

}  // namespace gust::container
