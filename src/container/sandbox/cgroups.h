// The cgroups of a launcher's sandboxes: memory and shares of the processors, of a sandbox as a whole.
//
// Making a cgroup takes the kernel as long as creating a process. So they are kept when a sandbox ends, and given to
// another one; some are made before they are needed. They lie in one directory for each launcher, in each hierarchy,
// which the launcher holds locked: what can be locked belongs to nobody, and is removed by the next launcher.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "container/launcher/frames.h"
#include "container/sandbox/cgroup_paths.h"

namespace gust::container {

struct CgroupLimits {
  std::uint64_t memory = 0;        ///< bytes; 0 for none
  std::uint32_t cpu_weight = 100;  ///< relative to other sandboxes; 100 is the share of an ordinary process
};

class Cgroups {
 public:
  /// Number of a cgroup; its name in every hierarchy.
  using Slot = std::uint32_t;

  /// Before the launcher leaves the host's root. Hierarchies that cannot be used are left out: see unenforced().
  void open();
  [[nodiscard]] bool none() const { return hierarchies_.empty(); }
  /// Bits of enum Unenforced.
  [[nodiscard]] std::uint16_t unenforced() const;

  /// A cgroup that nothing is in, with these limits. Nothing with errno set when there is none to be had.
  std::optional<Slot> claim(const CgroupLimits& limits);
  /// Other limits for a cgroup that is in use. False with errno set.
  bool adjust(Slot slot, const CgroupLimits& limits) { return set(slot, limits); }
  /// In the new process: enters it. False with errno set.
  [[nodiscard]] bool join(Slot slot) const;
  /// After everything in it has ended.
  /// Whether the kernel killed something in it for want of memory.
  bool release(Slot slot);

  /// Makes one cgroup ahead, if there are few. False when there is nothing to do.
  bool make_spare();
  /// Removes all of them.
  void remove_all();

 private:
  struct Hierarchy {
    CgroupMount::Version version = CgroupMount::Version::kTwo;
    bool memory = false;
    bool cpu = false;
    std::string name;  ///< of the launcher's directory
    UniqueFd parent;
    UniqueFd directory;
  };
  struct State {
    CgroupLimits limits;
    std::uint64_t kills_before = 0;
    bool limited = false;  ///< `limits` are set
  };

  bool open_in(const std::string& parent, Hierarchy& hierarchy);
  bool make(Slot slot);
  bool set(Slot slot, const CgroupLimits& limits);
  [[nodiscard]] std::uint64_t count_kills(Slot slot) const;

  std::vector<Hierarchy> hierarchies_;
  std::vector<State> states_;
  std::vector<Slot> free_;
};

}  // namespace gust::container
