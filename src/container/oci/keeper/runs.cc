#include "container/oci/keeper/runs.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sys/resource.h>
#include <sys/wait.h>
#include <utility>

#include "base/clock.h"

namespace gust::container {
namespace {

std::uint64_t micros(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

}  // namespace

/// A runtime is some 10 ms of work on one processor, with pauses; more of them would only hold each other up.
Runs::Runs(const KeeperOptions& options, UniqueFd host_proc)
    : options_(options),
      host_proc_(std::move(host_proc)),
      most_runtimes_(2 * static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)))) {}

Bundle Runs::bundle_of(std::uint64_t id) const { return {std::string(options_.directory) + "/" + std::to_string(id)}; }

void Runs::add(std::uint64_t id, Descriptors descriptors) {
  const bool waits = std::ranges::any_of(waiting_, [&](const Waiting& other) { return other.id == id; });
  if (waits || ids_.contains(id)) return refuse(id, {Step::kDuplicateId, EEXIST});
  waiting_.push_back({id, std::move(descriptors)});
}

void Runs::refuse(std::uint64_t id, Failure failure) {
  events_.push_back({.id = id,
                     .at_us = to_micros(wall_now()),
                     .status = failure.error_number,
                     .kind = EventKind::kFailed,
                     .step = failure.step});
}

void Runs::kill(std::uint64_t id) {
  const auto waits = std::ranges::find(waiting_, id, &Waiting::id);
  if (waits != waiting_.end()) {
    waiting_.erase(waits);
    return container_ended(id, {.wait_status = SIGKILL});
  }
  const auto found = ids_.find(id);
  if (found == ids_.end()) return;
  if (found->second != 0) {
    ::kill(found->second, SIGKILL);
    return;
  }
  for (auto& [unused, run] : runtimes_) run.to_kill |= run.id == id;
}

void Runs::start_more() {
  while (!waiting_.empty() && runtimes_.size() < most_runtimes_) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(next));
  }
}

void Runs::start(Waiting waiting) {
  const pid_t pid = start_runtime(options_.runtime, bundle_of(waiting.id), "gust-" + std::to_string(waiting.id),
                                  {.socket = waiting.descriptors[0].get(),
                                   .standard_output = waiting.descriptors[1].get(),
                                   .standard_error = waiting.descriptors[2].get()});
  if (pid < 0) return refuse(waiting.id, {Step::kCreateProcess, errno});
  runtimes_.emplace(pid, Run{.id = waiting.id});
  ids_.emplace(waiting.id, 0);
}

void Runs::reap() {
  while (true) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    const pid_t pid = info.si_pid;
    Ended ended;
    const bool known = runtimes_.contains(pid) || live_.contains(pid);
    if (!known) ended.outside = pid_outside(host_proc_.get(), pid);
    rusage usage{};
    wait4(pid, &ended.wait_status, 0, &usage);
    ended.cpu_us = micros(usage.ru_utime) + micros(usage.ru_stime);
    ended.peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
    if (auto run = runtimes_.extract(pid)) {
      runtime_ended(run.mapped(), ended.wait_status);
    } else if (auto container = live_.extract(pid)) {
      container_ended(container.mapped(), ended);
    } else if (!runtimes_.empty()) {
      early_.emplace(pid, ended);
    }
    if (runtimes_.empty()) early_.clear();
  }
}

void Runs::runtime_ended(Run run, int wait_status) {
  const pid_t pid = wait_status == 0 ? read_pid(bundle_of(run.id)) : 0;
  if (pid == 0) {
    ids_.erase(run.id);
    const int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
    return refuse(run.id, {Step::kRuntime, status});
  }
  const auto early = early_.extract(pid);
  events_.push_back({.id = run.id,
                     .at_us = to_micros(wall_now()),
                     .pid = early ? early.mapped().outside : pid_outside(host_proc_.get(), pid),
                     .kind = EventKind::kLaunched});
  if (early) return container_ended(run.id, early.mapped());
  live_.emplace(pid, run.id);
  ids_[run.id] = pid;
  if (run.to_kill) ::kill(pid, SIGKILL);
}

void Runs::container_ended(std::uint64_t id, const Ended& ended) {
  ids_.erase(id);
  events_.push_back({.id = id,
                     .at_us = to_micros(wall_now()),
                     .cpu_us = ended.cpu_us,
                     .peak_bytes = ended.peak_bytes,
                     .status = ended.wait_status,
                     .kind = EventKind::kExited});
}

}  // namespace gust::container
