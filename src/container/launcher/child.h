// The creation of a container's process: clone(2), and what the new process does before it is gust-pack.
//
// There are two ways. A process that is *executed* shares the launcher's memory and descriptor table until it executes
// gust-pack, and the launcher waits that long (CLONE_VM, CLONE_FILES, CLONE_VFORK). One that is *forked* is a copy of
// the launcher, which has gust-pack's code in it, and goes on as gust-pack: nothing is loaded, linked and relocated,
// and the launcher does not wait. A step that fails in the new process is reported through its Birth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <sys/types.h>
#include <vector>

#include "container/launcher/births.h"
#include "container/launcher/descriptors.h"
#include "container/launcher/frames.h"
#include "container/launcher/limits.h"
#include "container/launcher/own_thread.h"
#include "container/sandbox/sandbox.h"
#include "pack/prewarm.h"

namespace gust::container {

enum class PackStart { kFork, kExec };

/// How it begins as gust-pack.
struct PackArguments {
  const char* binary = nullptr;  ///< absolute, as the container sees it
  /// Makes it one that waits until it is claimed (pack/prewarm.h); nothing for one with a start.
  std::optional<pack::Prewarmed> prewarmed;
};

/// gust-pack's code where it is a part of the launcher.
struct ResidentPack {
  /// Never returns; in a process of its own, its environment and descriptors in place. Null where there is none.
  void (*run)(const PackArguments& arguments) = nullptr;
  /// The memory of the launcher's own arguments, which would be what the pack's process is called.
  std::span<char> title;
};

/// Everything that the new process needs, prepared before it exists: it must not allocate memory.
struct ChildPlan {
  const char* working_directory = nullptr;  ///< seen from the launcher's
  PackArguments pack;
  char* const* environment = nullptr;
  ChildDescriptors descriptors;
  ChildLimits limits;
  pid_t launcher = 0;
  const Sandboxes* sandboxes = nullptr;  ///< null for a plain process
  SandboxPlan sandbox;                   ///< of a sandbox
  Birth* birth = nullptr;
};

class ChildCreator {
 public:
  /// What outlives this and is forked; with nothing to run, all processes are executed.
  ChildCreator(const ResidentPack& pack, const Births& births);
  ~ChildCreator();
  ChildCreator(const ChildCreator&) = delete;
  ChildCreator& operator=(const ChildCreator&) = delete;

  /// The process, or -1 with errno set. It may fail yet: then it ends, and its birth says why.
  pid_t create(ChildPlan& plan);

 private:
  [[nodiscard]] bool forks(const ChildPlan& plan) const;
  pid_t execute(ChildPlan& plan, unsigned long flags) const;
  pid_t fork(ChildPlan& plan, unsigned long flags) const;
  [[noreturn]] void become_pack(ChildPlan& plan, char** environment) const;

  ResidentPack pack_;
  const Births& births_;
  OwnThread own_thread_;
  std::byte* stack_ = nullptr;  ///< of a process until it executes gust-pack
};

}  // namespace gust::container
