#include "container/launcher/containers.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unordered_set>
#include <utility>

#include "base/clock.h"

namespace gust::container {
namespace {

/// Of entries in working directories, before the launcher looks at its socket again: some milliseconds.
constexpr std::size_t kRemovalBudget = 1000;

std::uint64_t micros(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

/// The system call, not the C library's function, which does not hand out the resources that were used.
int wait_for(idtype_t type, pid_t pid, siginfo_t& info, int flags, rusage* usage) {
  return static_cast<int>(syscall(SYS_waitid, type, pid, &info, WEXITED | flags, usage));
}

/// waitid(2) tells code and status apart; the event has both in one, as from waitpid(2).
int wait_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

}  // namespace

Containers::Containers(std::string pack_binary, const ResidentPack& pack, WorkingDirectories& directories,
                       Descendants& descendants, Sandboxes* sandboxes, const Prewarm& prewarm, Tag highest_tag, int log)
    : pack_binary_(std::move(pack_binary)),
      directories_(directories),
      descendants_(descendants),
      sandboxes_(sandboxes),
      next_tag_(highest_tag),
      log_(log),
      self_(getpid()),
      creator_(pack, births_),
      pool_(prewarm) {}

void Containers::start(const StartRequest& request, const ChildDescriptors& descriptors) {
  const std::uint64_t id = request.entry.id;
  if (pid_of_.contains(id)) return refuse(id, {Step::kDuplicateId, EEXIST});
  if (claim(request, descriptors)) return;
  const std::string directory = WorkingDirectories::name(id);
  ChildPlan plan{
      .working_directory = directory.c_str(),
      .pack = {.binary = pack_binary_.c_str(), .prewarmed = {}},
      .environment = request.environment.data(),
      .descriptors = descriptors,
      .limits = {.data = request.entry.data_limit, .open_files = request.entry.open_files, .tag = 0},
      .launcher = self_,
      .sandboxes = sandboxes_,
      .sandbox = {},
      .birth = nullptr,
  };
  Failure failure = prepare(plan, id, request.entry);
  pid_t pid = -1;
  if (failure.step == Step::kNone) failure = create(plan, id, pid);
  if (failure.step != Step::kNone) return refuse(id, failure);
  pid_of_.emplace(id, pid);
  events_.push_back({.id = id, .at_us = to_micros(wall_now()), .pid = pid, .kind = EventKind::kLaunched});
}

/// What the launcher has to do for it before its process exists.
Failure Containers::prepare(ChildPlan& plan, std::uint64_t id, const StartEntry& entry) {
  if (sandboxes_ != nullptr) {
    const std::optional<SandboxPlan> sandbox = sandboxes_->plan(entry);
    if (!sandbox) return {Step::kCgroup, errno};
    plan.sandbox = *sandbox;
    plan.working_directory = sandboxes_->directory();
    if ((sandboxes_->unenforced() & kUnenforcedMemory) == 0) plan.limits.data = 0;
    return {};
  }
  if (!directories_.create(id)) return {Step::kMakeDirectory, errno};
  plan.limits.tag = next_tag_--;
  return {};
}

/// When it fails nothing is left.
Failure Containers::create(ChildPlan& plan, std::uint64_t id, pid_t& process) {
  plan.birth = births_.take();
  process = plan.birth == nullptr ? -1 : creator_.create(plan);
  const Failure failure{Step::kCreateProcess, errno};
  const Container container{.id = id, .tag = plan.limits.tag, .sandbox = plan.sandbox, .birth = plan.birth};
  if (process >= 0) {
    live_.emplace(process, container);
    return {};
  }
  if (plan.birth != nullptr) births_.give_back(plan.birth);
  clear_up(container);
  return failure;
}

void Containers::refuse(std::uint64_t id, Failure failure) {
  events_.push_back({.id = id,
                     .at_us = to_micros(wall_now()),
                     .status = failure.error_number,
                     .kind = EventKind::kFailed,
                     .step = failure.step});
}

void Containers::kill(std::uint64_t id) {
  const auto found = pid_of_.find(id);
  // Of a sandbox the first process only: its group may be its own affair, and the others end with it.
  if (found != pid_of_.end()) ::kill(sandboxes_ != nullptr ? found->second : -found->second, SIGKILL);
}

/// What is left when all processes are gone. Whether the kernel killed some of them for want of memory.
bool Containers::clear_up(const Container& container) {
  if (sandboxes_ != nullptr) return sandboxes_->release(container.sandbox);
  directories_.remove(container.id, kRemovalBudget, log_);
  return false;
}

void Containers::reap() {
  if (collect_children() && sandboxes_ == nullptr) kill_descendants();
  tidy();
}

/// True when a container, or something that a container left, was among them.
bool Containers::collect_children() {
  bool any = false;
  siginfo_t info{};
  rusage usage{};
  while (wait_for(P_ALL, 0, info, WNOHANG | WNOWAIT, &usage) == 0 && info.si_pid != 0) {
    any = true;
    const pid_t pid = info.si_pid;
    // While the process is not reaped its number names this group and no other.
    if (live_.contains(pid)) {
      if (sandboxes_ == nullptr) ::kill(-pid, SIGKILL);
      end(pid, wait_status(info), micros(usage.ru_utime) + micros(usage.ru_stime),
          static_cast<std::uint64_t>(usage.ru_maxrss) << 10);
    }
    siginfo_t ignored{};
    wait_for(P_PID, pid, ignored, 0, nullptr);
    info = {};
  }
  return any;
}

void Containers::end(pid_t pid, int wait_status, std::uint64_t cpu_us, std::uint64_t peak_bytes) {
  const auto found = live_.find(pid);
  const Container container = found->second;
  const Failure failure = container.birth->failure;
  live_.erase(found);
  births_.give_back(container.birth);
  if ((container.id & kUnclaimed) != 0) {
    forget_prewarmed(pid, failure);
  } else {
    pid_of_.erase(container.id);
  }
  EventEntry event{.id = container.id,
                   .at_us = to_micros(wall_now()),
                   .pid = pid,
                   .cpu_us = cpu_us,
                   .peak_bytes = peak_bytes,
                   .status = wait_status,
                   .kind = EventKind::kExited};
  if (failure.step != Step::kNone) {
    event.kind = EventKind::kFailed;
    event.status = failure.error_number;
    event.step = failure.step;
  }
  if (sandboxes_ == nullptr) {
    ended_.push_back({.event = event, .tag = container.tag});
    return;
  }
  // The first process of a process namespace is collected last. It need not be the one that the kernel chose.
  const bool out_of_memory = clear_up(container);
  if (out_of_memory && wait_status != 0 && event.kind == EventKind::kExited) event.step = Step::kLimitMemory;
  if ((container.id & kUnclaimed) == 0) events_.push_back(event);
}

/// Those of containers that ended, and those that no living container can be told to have made. A descendant whose
/// parent lives is not among the launcher's children yet; it will be when its parent is gone.
void Containers::kill_descendants() {
  std::unordered_set<Tag> living;
  std::unordered_set<Tag> left;
  for (const pid_t pid : descendants_.children()) {
    if (live_.contains(pid)) continue;
    if (living.empty()) {
      for (const auto& [unused, container] : live_) living.insert(container.tag);
    }
    const Tag tag = tag_of(pid).value_or(0);
    if (living.contains(tag)) continue;
    ::kill(pid, SIGKILL);
    left.insert(tag);
  }
  for (Ended& ended : ended_) ended.empty = !left.contains(ended.tag);
}

bool Containers::tidy() {
  bool more = false;
  std::erase_if(ended_, [&](const Ended& ended) {
    if (!ended.empty || more) return false;
    more = directories_.remove(ended.event.id, kRemovalBudget, log_) == Removal::kMore;
    if (!more && (ended.event.id & kUnclaimed) == 0) events_.push_back(ended.event);
    return !more;
  });
  return more;
}

bool Containers::make_spare() { return sandboxes_ != nullptr && sandboxes_->make_spare(); }

bool Containers::end_all() {
  collect_children();
  for (const auto& [pid, unused] : live_) ::kill(-pid, SIGKILL);
  const std::vector<pid_t> children = descendants_.children();
  for (const pid_t pid : children) ::kill(pid, SIGKILL);
  if (children.empty() && sandboxes_ != nullptr) sandboxes_->end();
  return children.empty();
}

}  // namespace gust::container
