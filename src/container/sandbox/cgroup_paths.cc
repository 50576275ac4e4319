#include "container/sandbox/cgroup_paths.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/fd.h"

namespace gust::container {
namespace {

std::string read_text(const char* path) {
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> part;
  ssize_t size = 0;
  while (file && (size = read(file.get(), part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return parts;
}

bool lists(std::string_view list, std::string_view name) {
  for (const std::string& entry : split(list, ',')) {
    if (entry == name) return true;
  }
  return false;
}

/// Lines of /proc/self/cgroup: "4:memory:/path", and "0::/path" for version 2.
std::string own_path(std::string_view own_cgroups, const CgroupMount& mount) {
  for (const std::string& line : split(own_cgroups, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_it = mount.version == CgroupMount::Version::kTwo
                           ? controllers.empty()
                           : !controllers.empty() && mount.has(split(controllers, ',').front());
    if (is_it) return line.substr(second + 1);
  }
  return "/";
}

}  // namespace

bool CgroupMount::has(std::string_view controller) const { return lists(controllers, controller); }

std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo, std::string_view own_cgroups) {
  std::vector<CgroupMount> mounts;
  for (const std::string& line : split(mountinfo, '\n')) {
    // "id parent major:minor root mount_point options ... - type source super_options"
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> before = split(line.substr(0, dash), ' ');
    const std::vector<std::string> after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3 || !after[0].starts_with("cgroup")) continue;
    CgroupMount mount;
    mount.version = after[0] == "cgroup2" ? CgroupMount::Version::kTwo : CgroupMount::Version::kOne;
    if (mount.version == CgroupMount::Version::kOne) mount.controllers = after[2];
    mount.mount_point = before[4];
    const std::string& root = before[3];
    std::string path = own_path(own_cgroups, mount);
    if (root != "/" && path.starts_with(root)) path.erase(0, root.size());
    mount.own = path == "/" || path.starts_with("/..") ? mount.mount_point : mount.mount_point + path;
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::vector<CgroupMount> find_cgroup_mounts() {
  return parse_cgroup_mounts(read_text("/proc/self/mountinfo"), read_text("/proc/self/cgroup"));
}

}  // namespace gust::container
