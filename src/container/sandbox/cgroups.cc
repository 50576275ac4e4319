#include "container/sandbox/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <utility>

namespace gust::container {
namespace {

using Version = CgroupMount::Version;

constexpr std::string_view kPrefix = "gust-";
/// As many packs as one burst usually puts on an invoker: made in some 10 ms, while the launcher has nothing to do.
constexpr std::size_t kSpare = 64;
/// Version 1, for a weight of 100. In version 2 the unit is the same.
constexpr std::uint64_t kSharesOfOne = 1024;
constexpr std::uint64_t kMostShares = 262'144;
constexpr std::uint64_t kWeightOfOne = 100;
constexpr std::uint64_t kMostWeight = 10'000;

/// The packs together weigh as much as one ordinary process on each processor: all of them together must not keep the
/// invoker, or its controller on the same machine, from answering.
std::uint64_t processors() { return std::max(1U, std::thread::hardware_concurrency()); }

bool write_at(int directory, const char* path, std::string_view text) {
  const UniqueFd file(openat(directory, path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool write_at(int directory, Cgroups::Slot slot, const char* file, std::string_view text) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "%u/%s", slot, file);
  return write_at(directory, path.data(), text);
}

std::string read_at(int directory, const char* path) {
  const UniqueFd file(openat(directory, path, O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text{};
  const ssize_t size = file ? read(file.get(), text.data(), text.size()) : 0;
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

std::vector<std::string> directories_in(int parent) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                                                    closedir);
  while (const dirent* entry = entries ? readdir(entries.get()) : nullptr) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

void remove_with_children(int parent, const std::string& name, int directory) {
  for (const std::string& child : directories_in(directory)) unlinkat(directory, child.c_str(), AT_REMOVEDIR);
  unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

/// Those of launchers that were killed: the others hold theirs locked.
void remove_abandoned(int parent) {
  for (const std::string& name : directories_in(parent)) {
    if (!name.starts_with(kPrefix)) continue;
    const UniqueFd directory(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory && flock(directory.get(), LOCK_EX | LOCK_NB) == 0) {
      remove_with_children(parent, name, directory.get());
    }
  }
}

/// Its own lock, or nothing when a launcher that starts at the same time took it for abandoned in between.
UniqueFd make_locked(int parent, const std::string& name) {
  if (mkdirat(parent, name.c_str(), 0755) != 0) return UniqueFd();
  UniqueFd directory(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (directory && flock(directory.get(), LOCK_EX | LOCK_NB) == 0 &&
      fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return directory;
  }
  return UniqueFd();
}

}  // namespace

void Cgroups::open() {
  for (const CgroupMount& mount : find_cgroup_mounts()) {
    Hierarchy hierarchy;
    hierarchy.version = mount.version;
    hierarchy.name = std::string(kPrefix) + std::to_string(getpid());
    if (mount.version == Version::kOne) {
      hierarchy.memory = mount.has("memory");
      hierarchy.cpu = mount.has("cpu");
      if (!hierarchy.memory && !hierarchy.cpu) continue;
    }
    // Version 2 has no cgroups below one that has processes, but for the root: then the invoker's own will not do.
    if (open_in(mount.own, hierarchy) || (mount.own != mount.mount_point && open_in(mount.mount_point, hierarchy))) {
      hierarchies_.push_back(std::move(hierarchy));
    }
  }
}

bool Cgroups::open_in(const std::string& path, Hierarchy& hierarchy) {
  hierarchy.parent = UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!hierarchy.parent) return false;
  const int parent = hierarchy.parent.get();
  remove_abandoned(parent);
  constexpr std::array kControllers = {"+memory", "+cpu"};
  if (hierarchy.version == Version::kTwo) {
    for (const char* controller : kControllers) write_at(parent, "cgroup.subtree_control", controller);
  }
  for (int attempt = 0; attempt < 3 && !hierarchy.directory; ++attempt) {
    hierarchy.directory = make_locked(parent, hierarchy.name);
  }
  if (!hierarchy.directory) return false;
  const int directory = hierarchy.directory.get();
  if (hierarchy.version == Version::kTwo) {
    hierarchy.memory = write_at(directory, "cgroup.subtree_control", kControllers[0]);
    hierarchy.cpu = write_at(directory, "cgroup.subtree_control", kControllers[1]);
    write_at(directory, "cpu.weight", std::to_string(std::min(kMostWeight, kWeightOfOne * processors())));
  } else if (hierarchy.cpu) {
    write_at(directory, "cpu.shares", std::to_string(std::min(kMostShares, kSharesOfOne * processors())));
  }
  if (hierarchy.memory || hierarchy.cpu) return true;
  unlinkat(parent, hierarchy.name.c_str(), AT_REMOVEDIR);
  hierarchy.directory.reset();
  return false;
}

std::uint16_t Cgroups::unenforced() const {
  unsigned bits = kUnenforcedMemory | kUnenforcedCpu;
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (hierarchy.memory) bits &= ~unsigned{kUnenforcedMemory};
    if (hierarchy.cpu) bits &= ~unsigned{kUnenforcedCpu};
  }
  return static_cast<std::uint16_t>(bits);
}

std::optional<Cgroups::Slot> Cgroups::claim(const CgroupLimits& limits) {
  // The one that ended last has the same limits most likely, and is in the caches.
  while (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    if (set(slot, limits)) return slot;
    // Memory of the last sandbox is still charged to it, more than the new limit: it stays unused.
  }
  const Slot slot = static_cast<Slot>(states_.size());
  if (!make(slot)) return std::nullopt;
  if (set(slot, limits)) return slot;
  const int error = errno;
  free_.push_back(slot);
  errno = error;
  return std::nullopt;
}

bool Cgroups::make(Slot slot) {
  const std::string name = std::to_string(slot);
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (mkdirat(hierarchy.directory.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return false;
  }
  states_.resize(std::max<std::size_t>(states_.size(), slot + 1));
  return true;
}

bool Cgroups::set(Slot slot, const CgroupLimits& limits) {
  State& state = states_[slot];
  const bool same =
      state.limited && state.limits.memory == limits.memory && state.limits.cpu_weight == limits.cpu_weight;
  if (same) return true;
  for (const Hierarchy& hierarchy : hierarchies_) {
    const int directory = hierarchy.directory.get();
    const bool one = hierarchy.version == Version::kOne;
    if (hierarchy.memory) {
      const std::string bytes = limits.memory == 0 ? (one ? "-1" : "max") : std::to_string(limits.memory);
      if (one) {
        // Memory and swap together, where it is counted, may never be limited to less than memory alone.
        const bool first = write_at(directory, slot, "memory.limit_in_bytes", bytes);
        write_at(directory, slot, "memory.memsw.limit_in_bytes", bytes);
        if (!first && !write_at(directory, slot, "memory.limit_in_bytes", bytes)) return false;
      } else {
        if (!write_at(directory, slot, "memory.max", bytes)) return false;
        write_at(directory, slot, "memory.swap.max", "0");
        write_at(directory, slot, "memory.oom.group", "1");
      }
    }
    if (!hierarchy.cpu) continue;
    const std::uint64_t shares = std::clamp<std::uint64_t>(kSharesOfOne * limits.cpu_weight / 100, 2, kMostShares);
    const std::uint64_t weight = std::clamp<std::uint64_t>(limits.cpu_weight, 1, kMostWeight);
    if (one ? !write_at(directory, slot, "cpu.shares", std::to_string(shares))
            : !write_at(directory, slot, "cpu.weight", std::to_string(weight))) {
      return false;
    }
  }
  state.limits = limits;
  state.limited = true;
  return true;
}

/// Version 2 wants a process as a whole. In version 1 a single thread that moves itself does not stop the machine's
/// other forks and exits meanwhile.
bool Cgroups::join(Slot slot) const {
  return std::ranges::all_of(hierarchies_, [&](const Hierarchy& hierarchy) {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "%u/%s", slot,
                  hierarchy.version == Version::kOne ? "tasks" : "cgroup.procs");
    const int file = openat(hierarchy.directory.get(), path.data(), O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool written = write(file, "0", 1) == 1;
    const int error = errno;
    close(file);
    errno = error;
    return written;
  });
}

bool Cgroups::release(Slot slot) {
  free_.push_back(slot);
  const std::uint64_t kills = count_kills(slot);
  return std::exchange(states_[slot].kills_before, kills) < kills;
}

std::uint64_t Cgroups::count_kills(Slot slot) const {
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (!hierarchy.memory) continue;
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "%u/%s", slot,
                  hierarchy.version == Version::kOne ? "memory.oom_control" : "memory.events");
    const std::string text = read_at(hierarchy.directory.get(), path.data());
    constexpr std::string_view kKey = "oom_kill ";
    const std::size_t at = text.rfind(kKey);
    std::uint64_t count = 0;
    if (at != std::string::npos) std::from_chars(text.data() + at + kKey.size(), text.data() + text.size(), count);
    return count;
  }
  return 0;
}

bool Cgroups::make_spare() {
  if (hierarchies_.empty() || states_.size() >= kSpare) return false;
  const Slot slot = static_cast<Slot>(states_.size());
  if (!make(slot)) return false;
  free_.insert(free_.begin(), slot);
  return true;
}

void Cgroups::remove_all() {
  for (const Hierarchy& hierarchy : hierarchies_) {
    remove_with_children(hierarchy.parent.get(), hierarchy.name, hierarchy.directory.get());
  }
  hierarchies_.clear();
  states_.clear();
  free_.clear();
}

}  // namespace gust::container
