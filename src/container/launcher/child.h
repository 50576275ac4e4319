// The creation of a container's process: clone(2), and what the new process does before it becomes gust-pack.
//
// The new process shares the launcher's memory and descriptor table until it executes gust-pack, and the launcher waits
// that long (CLONE_VM, CLONE_FILES, CLONE_VFORK). So nothing is copied, whatever the launcher holds, and a step that
// fails is reported by writing it into the plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

#include "container/launcher/descriptors.h"
#include "container/launcher/frames.h"
#include "container/launcher/limits.h"
#include "container/sandbox/sandbox.h"

namespace gust::container {

/// Everything that the new process needs, prepared before it exists: it must not allocate memory.
struct ChildPlan {
  const char* working_directory = nullptr;  ///< seen from the launcher's
  const char* binary = nullptr;             ///< absolute
  const char* prewarmed_threads = nullptr;  ///< makes it one that waits (pack/prewarm.h); null for one with a start
  char* const* environment = nullptr;
  ChildDescriptors descriptors;
  ChildLimits limits;
  pid_t launcher = 0;
  const Sandboxes* sandboxes = nullptr;  ///< null for a plain process
  SandboxPlan sandbox;                   ///< of a sandbox
  Failure failure;                       ///< set when create() returns -1
};

class ChildCreator {
 public:
  ChildCreator();
  ~ChildCreator();
  ChildCreator(const ChildCreator&) = delete;
  ChildCreator& operator=(const ChildCreator&) = delete;

  /// The process, which has executed the binary when this returns, or -1. A process that failed before is left to be
  /// reaped: its id is put into `failed_process`, which is otherwise 0.
  pid_t create(ChildPlan& plan, pid_t& failed_process);

 private:
  std::byte* stack_ = nullptr;  ///< of the new process, until it executes the binary
};

}  // namespace gust::container
