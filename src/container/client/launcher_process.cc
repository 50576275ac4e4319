#include "container/client/launcher_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "container/client/words.h"
#include "container/launcher/packet.h"

namespace gust::container {
namespace {

constexpr int kLauncherSocket = 3;
constexpr int kReadyTimeoutMs = 10'000;
constexpr int kEndTimeoutMs = 10'000;

/// What of the invoker the launcher and, through it, every container would inherit: signals that are blocked or
/// ignored, descriptors, the terminal's session. And its environment, which may hold secrets: it gets none.
class SpawnSettings {
 public:
  explicit SpawnSettings(int socket) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, socket, kLauncherSocket);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kLauncherSocket + 1);
  }
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

/// What it cannot enforce, bits of enum Unenforced.
Result<std::uint16_t> wait_until_ready(int socket, const LauncherStart& start) {
  const std::string& launcher_binary = start.launcher_binary;
  pollfd readable{socket, POLLIN, 0};
  const int ready_count = poll(&readable, 1, kReadyTimeoutMs);
  if (ready_count < 0) return fail_errno("wait for gust-launcher", errno);
  if (ready_count == 0) {
    return fail(ErrorCode::kTimedOut,
                fmt::format("{} was not ready within {} s; {} may hold very many files of an earlier run: remove them",
                            launcher_binary, kReadyTimeoutMs / 1000, start.directory));
  }
  std::vector<char> buffer(kMaxLauncherPacket);
  const ReceivedPacket packet = receive_packet(socket, buffer);
  if (packet.end) return fail(ErrorCode::kUnavailable, fmt::format("{} ended before it was ready", launcher_binary));
  const auto header = read_header(std::string_view(packet.bytes.data(), packet.bytes.size()));
  if (!header || header->version != kLauncherProtocolVersion || header->type != LauncherFrame::kReady) {
    return fail(ErrorCode::kVersionMismatch,
                fmt::format("{} speaks protocol {}, this program speaks {}; install both from the same build",
                            launcher_binary, header ? header->version : 0, kLauncherProtocolVersion));
  }
  for (const ReadyEntry& ready : entries<ReadyEntry>(packet.bytes)) {
    if (ready.step != Step::kNone) return std::unexpected(describe_refusal(ready, start));
    return ready.unenforced;
  }
  return fail(ErrorCode::kInternal, fmt::format("{} did not say whether it is ready", launcher_binary));
}

std::string describe_end(int wait_status) {
  if (!WIFSIGNALED(wait_status)) return fmt::format("exited with status {}", WEXITSTATUS(wait_status));
  return fmt::format("was killed by signal {} ({})", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
}

}  // namespace

Result<LauncherProcess> LauncherProcess::start(const LauncherStart& start) {
  const std::string& launcher_binary = start.launcher_binary;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail_errno("create the launcher's socket", errno);
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const SpawnSettings settings(theirs.get());
  std::vector<std::string> texts{launcher_binary, std::string(name_of(start.isolation)), start.pack_binary,
                                 start.directory};
  if (start.isolation == Isolation::kOci) {
    texts.push_back(start.oci_runtime);
  } else {
    const bool forks = start.pack_start == PackStart::kFork && start.image == nullptr;
    texts.emplace_back(forks ? "fork" : "exec");
    texts.push_back(std::to_string(start.prewarm.containers));
    texts.push_back(std::to_string(start.prewarm.threads));
    texts.push_back(std::to_string(start.prewarm.interpreters));
    texts.push_back(start.prewarm.python);
  }
  if (start.isolation == Isolation::kSandbox) {
    texts.push_back(start.code_directory);
    texts.emplace_back(start.network == Network::kNone ? "none" : "host");
    texts.push_back(start.image == nullptr ? "" : start.image->root.string());
    texts.push_back(start.image == nullptr ? "" : start.image->working_directory);
    if (start.image == nullptr) texts.insert(texts.end(), start.shown.begin(), start.shown.end());
  }
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  char* const environment[] = {nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, launcher_binary.c_str(), settings.actions(), settings.attributes(),
                                arguments.data(), environment);
  if (error == ENOENT) {
    return fail(ErrorCode::kNotFound,
                fmt::format("start {}: there is no such file; install gust-launcher beside gust", launcher_binary));
  }
  if (error != 0) return fail_errno(fmt::format("start {}", launcher_binary), error);
  LauncherProcess process(pid, std::move(ours));
  process.unenforced_ = GUST_TRY(wait_until_ready(process.socket(), start));
  return process;
}

LauncherProcess::LauncherProcess(LauncherProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), socket_(std::move(other.socket_)), unenforced_(other.unenforced_) {}

LauncherProcess::~LauncherProcess() { end(); }

std::string LauncherProcess::end() {
  if (pid_ == 0) return "has ended";
  socket_.reset();
  // Not the C library's function: its header lacks the linkage for C++ up to glibc 2.36.
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  if (poll(&ended, 1, kEndTimeoutMs) == 0) kill(pid_, SIGKILL);
  int wait_status = 0;
  pid_t reaped = 0;
  do {
    reaped = waitpid(pid_, &wait_status, 0);
  } while (reaped < 0 && errno == EINTR);
  const bool known = std::exchange(pid_, 0) == reaped;
  return known ? describe_end(wait_status) : "ended, and was reaped by somebody else";
}

}  // namespace gust::container
