// What makes a process created by the launcher a sandbox: the order in which the parts of this folder are put together.
#pragma once

#include <sched.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "container/launcher/frames.h"
#include "container/sandbox/cgroups.h"
#include "container/sandbox/namespaces.h"
#include "container/sandbox/root_file_system.h"
#include "container/sandbox/seccomp_filter.h"

namespace gust::container {

/// One sandbox, prepared before its process exists.
struct SandboxPlan {
  std::optional<Cgroups::Slot> cgroup;
  std::uint64_t tmp_bytes = 0;  ///< 0 for as much as its memory limit permits
  std::uint32_t processes = 0;  ///< 0 for no limit
  int adjustable_tmp = -1;      ///< of one whose size is not known yet: open_adjustable_tmp()
};

/// All sandboxes of one launcher.
class Sandboxes {
 public:
  /// Once. Takes the launcher out of the host's file system: what it needs of that must be open before.
  Failure prepare(const RootPaths& paths, Network network);
  /// What unenforced() would most likely say, without making any: for a notice before the start.
  static std::uint16_t foresee_unenforced();
  /// Bits of enum Unenforced.
  [[nodiscard]] std::uint16_t unenforced() const;

  /// Nothing with errno set, for the step kCgroup.
  std::optional<SandboxPlan> plan(const StartEntry& request);
  /// Flags of clone(2) for one.
  [[nodiscard]] unsigned long flags() const { return namespaces_of_each(network_); }
  /// Each is a user of the host that nobody else is.
  [[nodiscard]] bool have_own_users() const { return identity_ == Identity::kOwnUser; }

  // In the new process, which may share the launcher's memory: nothing is allocated. kNone, or the step that failed,
  // with errno set.
  /// Its mounts, its limits and its user; afterwards it has no privileges. `process` is its id on the host.
  [[nodiscard]] Step enter(const SandboxPlan& plan, pid_t process) const;
  /// True when the launcher is gone, as only its own descriptor for it can tell inside a process namespace.
  [[nodiscard]] bool launcher_is_gone() const;
  /// Where its first process begins.
  [[nodiscard]] const char* directory() const { return directory_.c_str(); }
  /// Last.
  [[nodiscard]] Step restrict_calls() const;

  /// Gives a sandbox that exists already these limits, as far as they are not its processes' own (RLIMIT_…).
  /// `adjustable_tmp` is that of its plan. False with errno set.
  bool adjust(const SandboxPlan& plan, const StartEntry& request, int adjustable_tmp);
  /// For RLIMIT_NPROC; 0 where it is not to be limited.
  [[nodiscard]] std::uint32_t process_limit(const StartEntry& request) const;

  /// After everything in it has ended. Whether the kernel killed something in it for want of memory.
  bool release(const SandboxPlan& plan);
  /// Prepares for what may come. False when there is nothing left to do.
  bool make_spare() { return cgroups_.make_spare(); }
  /// After the last one.
  void end() { cgroups_.remove_all(); }

 private:
  Identity identity_ = Identity::kOwnUser;
  Network network_ = Network::kHost;
  Cgroups cgroups_;
  SeccompFilter filter_;
  UniqueFd launcher_;  ///< pidfd_open(2)
  std::string directory_ = "/tmp";
};

}  // namespace gust::container
