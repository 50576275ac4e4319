// The other half of Containers: those that are made ahead, and claimed.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/pass_fds.h"
#include "container/launcher/containers.h"
#include "container/sandbox/private_mounts.h"
#include "pack/prewarm.h"

namespace gust::container {
namespace {

/// What /tmp has at least until somebody claims it: it must have a limit, so that it can be given another one.
constexpr std::uint64_t kSmallTmp = 1 << 20;

/// What it can be lowered from when it is claimed: everything that the launcher may have itself.
std::uint32_t most_open_files() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return static_cast<std::uint32_t>(files.rlim_max);
}

/// One packet: the claim, the environment, the descriptors. False when the pack is gone.
bool send_claim(int socket, pack::Claim claim, std::span<char* const> environment, std::span<char> packet,
                const ChildDescriptors& descriptors) {
  std::size_t size = sizeof claim;
  for (const char* variable : environment) {
    if (variable == nullptr) continue;
    const std::size_t length = std::strlen(variable) + 1;
    if (length > packet.size() - size) return false;
    std::memcpy(&packet[size], variable, length);
    size += length;
  }
  claim.environment_size = static_cast<std::uint32_t>(size - sizeof claim);
  std::memcpy(packet.data(), &claim, sizeof claim);
  const std::array<int, pack::kClaimDescriptors> numbers{descriptors.socket, descriptors.standard_output,
                                                         descriptors.standard_error};
  return send_with_fds(socket, std::as_bytes(packet.first(size)), numbers, MSG_DONTWAIT) >= 0;
}

}  // namespace

bool Containers::prewarm() {
  const std::uint64_t id = kUnclaimed | next_unclaimed_++;
  const std::string directory = WorkingDirectories::name(id);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return give_up_prewarming("make its socket", errno);
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  char* const no_environment[] = {nullptr};
  ChildPlan plan{.working_directory = directory.c_str(),
                 .pack = {.binary = pack_binary_.c_str(), .prewarmed = pool_.next()},
                 .environment = no_environment,
                 // 0 to 2 are /dev/null.
                 .descriptors = {.socket = theirs.get(), .standard_output = 0, .standard_error = 0},
                 .limits = {.data = 0, .open_files = most_open_files(), .tag = 0},
                 .launcher = self_,
                 .sandboxes = sandboxes_,
                 .sandbox = {},
                 .birth = nullptr};
  if (const Failure failure = prepare(plan, id, last_entry_); failure.step != Step::kNone) {
    return give_up_prewarming("prepare it", failure.error_number);
  }
  plan.limits.data = 0;
  plan.sandbox.processes = 0;
  UniqueFd tmp;
  if (sandboxes_ != nullptr) {
    plan.sandbox.tmp_bytes = std::max(plan.sandbox.tmp_bytes, kSmallTmp);
    tmp = UniqueFd(open_adjustable_tmp(plan.sandbox.tmp_bytes));
    if (!tmp) {
      const int error = errno;
      sandboxes_->release(plan.sandbox);
      return give_up_prewarming("make its /tmp", error);
    }
    plan.sandbox.adjustable_tmp = tmp.get();
  }
  pid_t pid = -1;
  if (const Failure failure = create(plan, id, pid); failure.step != Step::kNone) {
    return give_up_prewarming("create it", failure.error_number);
  }
  pool_.add({.process = pid,
             .socket = std::move(ours),
             .tmp_context = std::move(tmp),
             .has_interpreter = plan.pack.prewarmed->python != nullptr});
  return true;
}

bool Containers::give_up_prewarming(const char* what, int error) {
  dprintf(log_, "gust-launcher: a pre-warmed container: %s: %s; trying again in some seconds\n", what,
          std::strerror(error));
  pool_.back_off();
  return false;
}

/// It has ended, and nobody had claimed it.
void Containers::forget_prewarmed(pid_t process, Failure failure) {
  const std::uint32_t before = pool_.ready();
  pool_.remove(process);
  if (pool_.ready() != before) tell_ready();
  if (failure.step != Step::kNone) give_up_prewarming("set it up", failure.error_number);
}

void Containers::welcome_prewarmed() {
  if (const std::optional<pid_t> faulty = pool_.welcome()) {
    ::kill(*faulty, SIGKILL);
    give_up_prewarming("gust-pack ended, or did not say that it is ready", EPIPE);
    return;
  }
  tell_ready();
}

void Containers::tell_ready() {
  events_.push_back({.at_us = to_micros(wall_now()),
                     .status = static_cast<std::int32_t>(pool_.ready()),
                     .kind = EventKind::kPrewarmed});
}

/// Whatever goes wrong with one, nobody needs to know: then another one, or a new container takes its place.
bool Containers::claim(const StartRequest& request, const ChildDescriptors& descriptors) {
  pool_.hold_off();
  last_entry_ = request.entry;
  if (pool_.ready() == 0) return false;
  if (request.entry.open_files > most_open_files()) return false;  // creating it will say so
  bool claimed = false;
  while (!claimed) {
    const std::optional<PrewarmPool::Entry> entry = pool_.take(request.entry.python != 0);
    if (!entry) break;
    claimed = hand_over(*entry, request, descriptors);
    if (!claimed) ::kill(entry->process, SIGKILL);
    tell_ready();
  }
  return claimed;
}

bool Containers::hand_over(const PrewarmPool::Entry& entry, const StartRequest& request,
                           const ChildDescriptors& descriptors) {
  const auto found = live_.find(entry.process);
  if (found == live_.end()) return false;
  Container& container = found->second;
  const std::uint64_t id = request.entry.id;
  pack::Claim claim{
      .data_limit = request.entry.data_limit, .open_files = request.entry.open_files, .workers = request.entry.workers};
  if (sandboxes_ != nullptr) {
    if (!sandboxes_->adjust(container.sandbox, request.entry, entry.tmp_context.get())) return false;
    if ((sandboxes_->unenforced() & kUnenforcedMemory) == 0) claim.data_limit = 0;
    claim.processes = sandboxes_->process_limit(request.entry);
  } else if (!directories_.rename(container.id, id)) {
    return false;
  }
  if (!send_claim(entry.socket.get(), claim, request.environment, claim_packet_.bytes(), descriptors)) {
    if (sandboxes_ == nullptr) directories_.rename(id, container.id);
    return false;
  }
  container.id = id;
  pid_of_.emplace(id, entry.process);
  events_.push_back(
      {.id = id, .at_us = to_micros(wall_now()), .pid = entry.process, .status = 1, .kind = EventKind::kLaunched});
  return true;
}

}  // namespace gust::container
