#include "container/launcher/child.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/check.h"

namespace gust::container {
namespace {

constexpr std::size_t kStackSize = 64 << 10;
constexpr char kName[] = "gust-pack";

bool failed(const ChildPlan& plan, Step step) {
  plan.birth->failure = {step, errno};
  return true;
}

/// What kill() reaches. Not a session of its own: the kernel makes each session a group to be scheduled by itself
/// (sched_autogroup), and on a busy machine a new group waits: 2.5 times as long for each creation. The launcher's
/// session has no terminal either.
bool fails_group(const ChildPlan& plan) { return setpgid(0, 0) != 0 && failed(plan, Step::kProcessGroup); }

bool fails_sandbox(const ChildPlan& plan) {
  if (plan.sandboxes == nullptr) return false;
  const Step step = plan.sandboxes->enter(plan.sandbox, plan.birth->process);
  return step != Step::kNone && failed(plan, step);
}

/// A launcher that died before the call sends nothing: then nobody is left to report to, either. After the change of
/// user, which makes the kernel forget the signal.
bool fails_death_signal(const ChildPlan& plan) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failed(plan, Step::kDeathSignal);
  return plan.sandboxes != nullptr ? plan.sandboxes->launcher_is_gone() : getppid() != plan.launcher;
}

bool fails_directory(const ChildPlan& plan) {
  return chdir(plan.working_directory) != 0 && failed(plan, Step::kEnterDirectory);
}

/// The launcher keeps the signals it waits for blocked, and a mask outlives execve(2). Dispositions are all default:
/// the driver starts the launcher so, and the launcher handles none.
bool fails_signal_mask(const ChildPlan& plan) {
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) != 0 && failed(plan, Step::kSignalMask);
}

bool fails_limits(const ChildPlan& plan) {
  const Step step = apply(plan.limits);
  return step != Step::kNone && failed(plan, step);
}

bool fails_seccomp(const ChildPlan& plan) {
  if (plan.sandboxes == nullptr) return false;
  const Step step = plan.sandboxes->restrict_calls();
  return step != Step::kNone && failed(plan, step);
}

bool fails_descriptors(const ChildPlan& plan) {
  return !place(plan.descriptors) && failed(plan, Step::kPlaceDescriptors);
}

/// All that comes before gust-pack; ends the process when a step fails. The limits come last but for the descriptors,
/// whose table they do not reach any more, so that no step runs out of what they take away.
void enter(const ChildPlan& plan) {
  if (fails_group(plan) || fails_sandbox(plan) || fails_death_signal(plan) || fails_directory(plan) ||
      fails_descriptors(plan) || fails_limits(plan) || fails_signal_mask(plan) || fails_seccomp(plan)) {
    _exit(127);
  }
}

/// On its own stack, in the launcher's memory.
int execute_pack(void* argument) {
  const ChildPlan& plan = *static_cast<const ChildPlan*>(argument);
  enter(plan);
  char name[sizeof kName];
  std::memcpy(name, kName, sizeof kName);
  char threads[16];
  char* arguments[] = {name, nullptr, threads, nullptr};
  if (const auto& prewarmed = plan.pack.prewarmed) {
    std::snprintf(threads, sizeof threads, "%u", prewarmed->threads);
    arguments[1] = const_cast<char*>(prewarmed->python == nullptr ? pack::kPrewarmedFlag : pack::kPrewarmedPythonFlag);
    if (prewarmed->python != nullptr) arguments[2] = const_cast<char*>(prewarmed->python);
  }
  execve(plan.pack.binary, arguments, plan.environment);
  failed(plan, Step::kExec);
  _exit(127);
}

/// An environment in memory of its own, which is wiped in the end: the next process inherits the launcher's memory.
class EnvironmentCopy {
 public:
  explicit EnvironmentCopy(char* const* environment) {
    std::size_t size = 0;
    for (char* const* variable = environment; *variable != nullptr; ++variable) size += std::strlen(*variable) + 1;
    text_.reserve(size);  // a second place would not be wiped
    for (char* const* variable = environment; *variable != nullptr; ++variable) {
      text_.append(*variable, std::strlen(*variable) + 1);
    }
    for (std::size_t at = 0; at < text_.size(); at += std::strlen(&text_[at]) + 1) variables_.push_back(&text_[at]);
    variables_.push_back(nullptr);
  }
  ~EnvironmentCopy() { explicit_bzero(text_.data(), text_.size()); }
  EnvironmentCopy(const EnvironmentCopy&) = delete;
  EnvironmentCopy& operator=(const EnvironmentCopy&) = delete;

  [[nodiscard]] char** variables() { return variables_.data(); }

 private:
  std::string text_;
  std::vector<char*> variables_;
};

}  // namespace

ChildCreator::ChildCreator(const ResidentPack& pack, const Births& births) : pack_(pack), births_(births) {
  void* memory = mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  GUST_CHECK(memory != MAP_FAILED, "64 KiB for the stack of new processes");
  stack_ = static_cast<std::byte*>(memory);
}

ChildCreator::~ChildCreator() { munmap(stack_, kStackSize); }

pid_t ChildCreator::create(ChildPlan& plan) {
  const unsigned long flags = CLONE_PARENT_SETTID | (plan.sandboxes == nullptr ? 0 : plan.sandboxes->flags());
  return forks(plan) ? fork(plan, flags) : execute(plan, flags);
}

/// Not where all sandboxes are the launcher's own user: they could write to the launcher's program, which is outside of
/// their root, through /proc/self/exe.
bool ChildCreator::forks(const ChildPlan& plan) const {
  return pack_.run != nullptr && own_thread_.can_be_copied() &&
         (plan.sandboxes == nullptr || plan.sandboxes->have_own_users());
}

pid_t ChildCreator::execute(ChildPlan& plan, unsigned long flags) const {
  const int all = static_cast<int>(flags | CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD);
  return clone(execute_pack, stack_ + kStackSize, all, &plan, &plan.birth->process);
}

/// The system call, since the C library's clone() wants a stack. Where the fourth argument is not the new process's
/// word for its id, as on x86-64, the fifth is (arm64), and the other is not looked at.
pid_t ChildCreator::fork(ChildPlan& plan, unsigned long flags) const {
  EnvironmentCopy environment(plan.environment);
  pid_t* const number = own_thread_.number();
  const long pid = syscall(SYS_clone, flags | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, nullptr,
                           &plan.birth->process, number, number);
  if (pid == 0) become_pack(plan, environment.variables());
  // It does so itself, too; whoever is first. kill() must not come before either.
  if (pid > 0) setpgid(static_cast<pid_t>(pid), static_cast<pid_t>(pid));
  return static_cast<pid_t>(pid);
}

void ChildCreator::become_pack(ChildPlan& plan, char** environment) const {
  prctl(PR_SET_NAME, kName);
  own_thread_.restore_robust_list();
  enter(plan);
  births_.leave();
  // What execve(2) would have done: a process that changed its user cannot read its own /proc/self otherwise.
  prctl(PR_SET_DUMPABLE, 1);
  std::ranges::fill(pack_.title, '\0');
  std::memcpy(pack_.title.data(), kName, std::min(sizeof kName, pack_.title.size()));
  environ = environment;
  pack_.run(plan.pack);
  _exit(127);
}

}  // namespace gust::container
