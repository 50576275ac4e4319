#include "container/sandbox/sandbox.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "container/launcher/descriptors.h"
#include "container/sandbox/private_mounts.h"
#include "container/sandbox/privileges.h"

namespace gust::container {
namespace {

/// Counted for each user, and so for each sandbox where each is a user of its own.
bool limit_processes(std::uint32_t count) {
  if (count == 0) return true;
  const rlimit limit{count, count};
  return setrlimit(RLIMIT_NPROC, &limit) == 0;
}

std::uint16_t missing_with(std::uint16_t cgroups, Identity identity) {
  const unsigned shared_user = identity == Identity::kLauncherUser ? unsigned{kUnenforcedProcesses} : 0U;
  return static_cast<std::uint16_t>(cgroups | shared_user);
}

}  // namespace

Failure Sandboxes::prepare(const RootPaths& paths, Network network) {
  network_ = network;
  launcher_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  if (launcher_) launcher_ = move_up(launcher_.get());
  if (!launcher_) return {Step::kDescriptors, errno};
  if (const Failure failure = filter_.compile(); failure.step != Step::kNone) return failure;
  cgroups_.open();
  if (const Failure failure = enter_own_namespaces(identity_); failure.step != Step::kNone) return failure;
  if (const Failure failure = enter_root(paths, identity_); failure.step != Step::kNone) return failure;
  if (access(paths.image_directory, X_OK) == 0) directory_ = paths.image_directory;
  if (const Failure failure = limit_heirs(identity_); failure.step != Step::kNone) return failure;
  return filter_.confine_launcher() ? Failure{} : Failure{Step::kSeccompCompile, errno};
}

std::uint16_t Sandboxes::foresee_unenforced() {
  Cgroups cgroups;
  cgroups.open();
  const std::uint16_t missing = cgroups.unenforced();
  cgroups.remove_all();
  return missing_with(missing, foresee_identity());
}

std::uint16_t Sandboxes::unenforced() const { return missing_with(cgroups_.unenforced(), identity_); }

std::optional<SandboxPlan> Sandboxes::plan(const StartEntry& request) {
  SandboxPlan plan{.cgroup = std::nullopt, .tmp_bytes = request.tmp_limit, .processes = process_limit(request)};
  if (!cgroups_.none()) {
    plan.cgroup = cgroups_.claim({.memory = request.memory_limit, .cpu_weight = request.cpu_weight});
    if (!plan.cgroup) return std::nullopt;
  }
  return plan;
}

std::uint32_t Sandboxes::process_limit(const StartEntry& request) const {
  return identity_ == Identity::kOwnUser ? request.processes : 0;
}

bool Sandboxes::adjust(const SandboxPlan& plan, const StartEntry& request, int adjustable_tmp) {
  const CgroupLimits limits{.memory = request.memory_limit, .cpu_weight = request.cpu_weight};
  return (!plan.cgroup || cgroups_.adjust(*plan.cgroup, limits)) &&
         (plan.tmp_bytes == request.tmp_limit || resize_tmp(adjustable_tmp, request.tmp_limit));
}

Step Sandboxes::enter(const SandboxPlan& plan, pid_t process) const {
  const uid_t user = user_of(process, identity_);
  if (plan.cgroup && !cgroups_.join(*plan.cgroup)) return Step::kJoinCgroup;
  if (network_ == Network::kNone && !raise_loopback()) return Step::kLoopback;
  if (!mount_proc()) return Step::kMountProc;
  const bool mounted =
      plan.adjustable_tmp >= 0 ? mount_adjustable_tmp(plan.adjustable_tmp, user) : mount_tmp(plan.tmp_bytes, user);
  if (!mounted) return Step::kMountTmp;
  if (!limit_processes(plan.processes)) return Step::kLimitProcesses;
  return become(user, identity_) ? Step::kNone : Step::kBecomeUser;
}

bool Sandboxes::launcher_is_gone() const {
  pollfd ended{launcher_.get(), POLLIN, 0};
  return poll(&ended, 1, 0) != 0;
}

Step Sandboxes::restrict_calls() const { return filter_.confine_sandbox() ? Step::kNone : Step::kSeccomp; }

bool Sandboxes::release(const SandboxPlan& plan) { return plan.cgroup && cgroups_.release(*plan.cgroup); }

}  // namespace gust::container
