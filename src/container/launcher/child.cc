#include "container/launcher/child.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/check.h"
#include "pack/prewarm.h"

namespace gust::container {
namespace {

constexpr std::size_t kStackSize = 64 << 10;

bool failed(ChildPlan& plan, Step step) {
  plan.failure = {step, errno};
  return true;
}

/// What kill() reaches. Not a session of its own: the kernel makes each session a group to be scheduled by itself
/// (sched_autogroup), and on a busy machine a new group waits: 2.5 times as long for each creation. The launcher's
/// session has no terminal either.
bool fails_group(ChildPlan& plan) { return setpgid(0, 0) != 0 && failed(plan, Step::kProcessGroup); }

bool fails_sandbox(ChildPlan& plan) {
  if (plan.sandboxes == nullptr) return false;
  const Step step = plan.sandboxes->enter(plan.sandbox);
  return step != Step::kNone && failed(plan, step);
}

/// A launcher that died before the call sends nothing: then nobody is left to report to, either. After the change of
/// user, which makes the kernel forget the signal.
bool fails_death_signal(ChildPlan& plan) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failed(plan, Step::kDeathSignal);
  return plan.sandboxes != nullptr ? plan.sandboxes->launcher_is_gone() : getppid() != plan.launcher;
}

bool fails_directory(ChildPlan& plan) {
  return chdir(plan.working_directory) != 0 && failed(plan, Step::kEnterDirectory);
}

/// The launcher keeps the signals it waits for blocked, and a mask outlives execve(2). Dispositions are all default:
/// the driver starts the launcher so, and the launcher handles none.
bool fails_signal_mask(ChildPlan& plan) {
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) != 0 && failed(plan, Step::kSignalMask);
}

bool fails_limits(ChildPlan& plan) {
  const Step step = apply(plan.limits);
  return step != Step::kNone && failed(plan, step);
}

bool fails_seccomp(ChildPlan& plan) {
  if (plan.sandboxes == nullptr) return false;
  const Step step = plan.sandboxes->restrict_calls();
  return step != Step::kNone && failed(plan, step);
}

bool fails_descriptors(ChildPlan& plan) { return !place(plan.descriptors) && failed(plan, Step::kPlaceDescriptors); }

/// On its own stack, in the launcher's memory. The limits come last but for the descriptors, whose table they do not
/// reach any more, so that no step runs out of what they take away.
int enter(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  if (fails_group(plan) || fails_sandbox(plan) || fails_death_signal(plan) || fails_directory(plan) ||
      fails_descriptors(plan) || fails_limits(plan) || fails_signal_mask(plan) || fails_seccomp(plan)) {
    _exit(127);
  }
  char name[] = "gust-pack";
  char* const arguments[] = {name,
                             plan.prewarmed_threads == nullptr ? nullptr : const_cast<char*>(pack::kPrewarmedFlag),
                             const_cast<char*>(plan.prewarmed_threads), nullptr};
  execve(plan.binary, arguments, plan.environment);
  failed(plan, Step::kExec);
  _exit(127);
}

}  // namespace

ChildCreator::ChildCreator() {
  void* memory = mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  GUST_CHECK(memory != MAP_FAILED, "64 KiB for the stack of new processes");
  stack_ = static_cast<std::byte*>(memory);
}

ChildCreator::~ChildCreator() { munmap(stack_, kStackSize); }

pid_t ChildCreator::create(ChildPlan& plan, pid_t& failed_process) {
  failed_process = 0;
  plan.failure = {};
  const unsigned long kind = plan.sandboxes == nullptr ? 0 : plan.sandboxes->flags();
  const int flags = static_cast<int>(CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD | kind);
  const pid_t pid = clone(enter, stack_ + kStackSize, flags, &plan, &plan.sandbox.process);
  if (pid < 0) {
    failed(plan, Step::kCreateProcess);
    return -1;
  }
  if (plan.failure.step == Step::kNone) return pid;
  failed_process = pid;
  return -1;
}

}  // namespace gust::container
