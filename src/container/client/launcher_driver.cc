#include "container/client/launcher_driver.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <utility>

#include "base/check.h"
#include "container/client/words.h"
#include "container/launcher/packet.h"
#include "container/python_folders.h"
#include "container/sandbox/paths.h"
#include "pack/threads.h"

namespace gust::container {
namespace {

/// The pack's first thread is nobody's worker.
constexpr std::uint32_t kOwnThreads = 1;

/// What RLIMIT_DATA counts has the workers' stacks in it, whole, however little of them is touched.
std::uint64_t data_limit(const Limits& limits) {
  if (limits.memory.count() == 0) return 0;
  return (limits.memory + Bytes(pack::kWorkerStackBytes) * limits.workers).count();
}

StartEntry start_entry(const Spec& spec) {
  const Limits& limits = spec.limits;
  return {.id = spec.id,
          .data_limit = data_limit(limits),
          .memory_limit = limits.memory.count(),
          .tmp_limit = limits.tmp.count() != 0 ? limits.tmp.count() : limits.memory.count(),
          .open_files = limits.open_files,
          .processes = limits.processes == 0 ? 0 : limits.processes + limits.workers + kOwnThreads,
          .cpu_weight = std::max(1U, limits.workers) * std::max(1U, limits.cpu_percent),
          .workers = limits.workers,
          .python = spec.python ? 1U : 0U};
}

Result<void> check(const Spec& spec) {
  if (!spec.image.empty()) {
    return fail(ErrorCode::kInvalid, fmt::format("container {}: image '{}' needs isolation, and the process driver has "
                                                 "none; use --driver sandbox, or deploy the action without --image",
                                                 spec.id, spec.image));
  }
  if (!spec.socket || !spec.standard_output || !spec.standard_error) {
    return fail(ErrorCode::kInvalid, fmt::format("container {}: a descriptor is missing; it takes three", spec.id));
  }
  const auto bad = std::ranges::find_if(spec.environment, [](const std::string& variable) {
    return variable.find('=') == std::string::npos || variable.find('\0') != std::string::npos;
  });
  if (bad != spec.environment.end()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("container {}: environment entry {} is not NAME=value without zero bytes", spec.id,
                            bad - spec.environment.begin()));
  }
  const std::size_t size = start_size(spec.environment) + sizeof(LauncherHeader);
  if (size > kMaxLauncherPacket) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("container {}: its environment makes {} bytes, of at most {}; make it "
                            "smaller, or hand the data over as parameters",
                            spec.id, size, kMaxLauncherPacket));
  }
  return {};
}

Result<void> make_directory(const std::filesystem::path& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail_errno(fmt::format("create {}", path.string()), errno);
}

/// Containers that are other users look into it.
Result<void> make_code_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) std::filesystem::permissions(path, std::filesystem::perms(0755), error);
  if (!error) return {};
  return fail(ErrorCode::kInternal, fmt::format("create {}: {}", path.string(), error.message()));
}

}  // namespace

Result<std::unique_ptr<Driver>> LauncherDriver::create(Isolation isolation, const DriverOptions& options,
                                                       const Image* image) {
  if (isolation == Isolation::kNone && options.network == Network::kNone) {
    return fail(ErrorCode::kInvalid,
                "the process driver cannot keep packs from the network; use --driver sandbox, or --network host");
  }
  const std::filesystem::path packs = std::filesystem::path(options.state_dir) / "packs";
  GUST_TRY_VOID(make_directory(options.state_dir));
  GUST_TRY_VOID(make_directory(packs));
  if (!options.code_dir.empty()) GUST_TRY_VOID(make_code_directory(options.code_dir));
  std::vector<std::string> shown;
  if (isolation == Isolation::kSandbox && image == nullptr) shown = GUST_TRY(folders_of_pythons(options.pythons));
  LauncherProcess launcher =
      GUST_TRY(LauncherProcess::start({.isolation = isolation,
                                       .launcher_binary = options.launcher_binary,
                                       .pack_binary = options.pack_binary,
                                       .directory = packs.string(),
                                       .code_directory = options.code_dir,
                                       .network = options.network,
                                       .pack_start = options.pack_start,
                                       .image = image,
                                       .shown = std::move(shown),
                                       .oci_runtime = options.oci_runtime,
                                       .prewarm = image == nullptr ? options.prewarm : Prewarm{}}));
  UniqueFd poller(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {}};
  if (!poller || epoll_ctl(poller.get(), EPOLL_CTL_ADD, launcher.socket(), &event) != 0) {
    return fail_errno("watch the launcher's socket", errno);
  }
  return std::make_unique<LauncherDriver>(isolation, options, std::move(launcher), std::move(poller));
}

LauncherDriver::LauncherDriver(Isolation isolation, const DriverOptions& options, LauncherProcess launcher,
                               UniqueFd poller)
    : isolation_(isolation),
      options_(options),
      launcher_(std::move(launcher)),
      poller_(std::move(poller)),
      buffer_(kMaxLauncherPacket),
      notice_(describe_notice(isolation, launcher_.unenforced())) {}

LauncherDriver::~LauncherDriver() = default;

std::string_view LauncherDriver::name() const { return name_of(isolation_); }

std::string LauncherDriver::path_inside(const std::string& path) const {
  if (isolation_ == Isolation::kNone || !path.starts_with(options_.code_dir)) return path;
  return kCodeInside + path.substr(options_.code_dir.size());
}

Result<void> LauncherDriver::start(std::vector<Spec> specs) {
  if (!loss_.empty()) return lost();
  for (const Spec& spec : specs) GUST_TRY_VOID(check(spec));
  for (Spec& spec : specs) {
    const StartEntry entry = start_entry(spec);
    outbox_.add_start(std::move(spec), entry);
  }
  flush();
  return {};
}

void LauncherDriver::kill(ContainerId id) {
  if (!loss_.empty()) return;
  outbox_.add_kill(id);
  flush();
}

/// What does not fit waits until the socket can be written, of which event_fd() tells.
void LauncherDriver::flush() {
  const Outbox::Outcome outcome = outbox_.flush(launcher_.socket());
  const Watch wanted = outcome == Outbox::Outcome::kFull ? Watch::kReadAndWrite : Watch::kRead;
  if (wanted == watch_) return;
  watch_ = wanted;
  epoll_event event{.events = EPOLLIN | (wanted == Watch::kReadAndWrite ? EPOLLOUT : 0U), .data = {}};
  GUST_CHECK(epoll_ctl(poller_.get(), EPOLL_CTL_MOD, launcher_.socket(), &event) == 0, "the socket is being watched");
}

Result<void> LauncherDriver::read_events(const Events& events) {
  if (!loss_.empty()) return lost();
  flush();
  while (true) {
    const ReceivedPacket packet = receive_packet(launcher_.socket(), buffer_);
    if (packet.end) return lose();
    if (packet.bytes.empty()) return {};
    const std::vector<EventEntry> entries_read = entries<EventEntry>(packet.bytes);
    for (const EventEntry& entry : entries_read) deliver(entry, events);
  }
}

void LauncherDriver::deliver(const EventEntry& entry, const Events& events) {
  if (entry.kind == EventKind::kPrewarmed) {
    if (events.prewarmed) events.prewarmed(static_cast<std::uint32_t>(entry.status));
    return;
  }
  const WallTime at = from_micros(entry.at_us);
  if (entry.kind == EventKind::kLaunched) {
    running_.emplace(entry.id, static_cast<pid_t>(entry.pid));
    events.launched({.id = entry.id, .pid = entry.pid, .at = at, .prewarmed = entry.status != 0});
    return;
  }
  Exited exited{
      .id = entry.id, .at = at, .cpu_us = entry.cpu_us, .peak_memory = Bytes(entry.peak_bytes), .failure = {}};
  if (entry.kind == EventKind::kFailed) {
    exited.failure = describe_failure({.step = entry.step, .error_number = entry.status}, options_.pack_binary);
  } else {
    exited.wait_status = entry.status;
    exited.out_of_memory = entry.step == Step::kLimitMemory;
  }
  if (entry.pid != 0) running_.erase(entry.id);  // not that of another one with the same id
  events.exited(exited);
}

/// The packs died with the launcher, by their death signal. What they had started did not: it is killed here, as far as
/// it is in their process groups.
std::unexpected<Error> LauncherDriver::lose() {
  for (const auto& [unused, pid] : running_) ::kill(-pid, SIGKILL);
  loss_ = fmt::format("gust-launcher {}, and its {} containers with it; start the invoker again", launcher_.end(),
                      running_.size());
  running_.clear();
  return lost();
}

std::unexpected<Error> LauncherDriver::lost() const { return fail(ErrorCode::kUnavailable, loss_); }

}  // namespace gust::container
