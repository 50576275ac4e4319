#include "container/oci/keeper/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include "container/launcher/descriptors.h"
#include "container/launcher/limits.h"
#include "container/launcher/packet.h"
#include "container/launcher/working_directories.h"
#include "container/oci/keeper/runs.h"
#include "container/oci/keeper/warden.h"

namespace gust::container {
namespace {

/// For killed processes to go away, which only the kernel can hold up.
constexpr std::chrono::seconds kPatience{5};

UniqueFd watch_children() {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &watched, nullptr) != 0) return UniqueFd();
  const UniqueFd low(signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
  return low ? move_up(low.get()) : UniqueFd();
}

void clear(const UniqueFd& signals) {
  std::array<signalfd_siginfo, 8> infos;
  while (read(signals.get(), infos.data(), sizeof infos) > 0) continue;
}

class Keeper {
 public:
  Keeper(UniqueFd socket, UniqueFd log, UniqueFd host_proc, const KeeperOptions& options)
      : socket_(std::move(socket)),
        log_(std::move(log)),
        runs_(options, std::move(host_proc)),
        options_(options),
        buffer_(kMaxLauncherPacket) {}

  int run() {
    const Failure failure = prepare();
    const ReadyEntry ready{.error_number = failure.error_number, .step = failure.step, .unenforced = 0};
    send_packet(socket_.get(), LauncherFrame::kReady, std::span(&ready, 1));
    if (failure.step != Step::kNone) return 1;
    serve();
    return end();
  }

 private:
  Failure prepare() {
    null_device_ = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null_device_) null_device_ = move_up(null_device_.get());
    if (!null_device_ || !clear_low_descriptors(null_device_.get()) || !prepare_own_limits()) {
      return {Step::kDescriptors, errno};
    }
    signals_ = watch_children();
    if (!signals_) return {Step::kWatchChildren, errno};
    return directories_.open(options_.directory);
  }

  void serve() {
    bool blocked = false;
    while (true) {
      pollfd watched[] = {{socket_.get(), static_cast<short>(blocked ? POLLIN | POLLOUT : POLLIN), 0},
                          {signals_.get(), POLLIN, 0}};
      if (poll(watched, 2, -1) < 0 && errno != EINTR) return;
      if ((watched[1].revents & POLLIN) != 0) {
        clear(signals_);
        runs_.reap();
      }
      if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive()) return;
      runs_.start_more();
      blocked = !flush(runs_.events());
    }
  }

  /// False when the driver is gone, or is not one to go on with.
  bool receive() {
    ReceivedPacket packet = receive_packet(socket_.get(), buffer_);
    if (packet.end) return false;
    const auto header = read_header(std::string_view(packet.bytes.data(), packet.bytes.size()));
    if (!header) return packet.bytes.empty();
    if (header->type == LauncherFrame::kKill) {
      for (const std::uint64_t id : entries<std::uint64_t>(packet.bytes)) runs_.kill(id);
      return true;
    }
    const auto requests = read_starts(packet.bytes, header->count);
    if (header->type != LauncherFrame::kStart || !requests) return false;
    std::size_t next = 0;
    for (const StartRequest& request : *requests) {
      std::array<UniqueFd, kDescriptorsPerStart> descriptors;
      const bool complete = next + kDescriptorsPerStart <= packet.descriptors.size();
      for (UniqueFd& descriptor : descriptors) {
        if (complete) descriptor = std::move(packet.descriptors[next++]);
      }
      complete ? runs_.add(request.entry.id, std::move(descriptors))
               : runs_.refuse(request.entry.id, {Step::kDescriptors, EMFILE});
    }
    return true;
  }

  /// False when the socket is full.
  bool flush(std::vector<EventEntry>& events) {
    while (!events.empty()) {
      const std::size_t count = std::min(events.size(), kMaxEventsPerPacket);
      const std::span<const EventEntry> part(events.data(), count);
      if (!send_packet(socket_.get(), LauncherFrame::kEvents, part)) return false;
      events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return true;
  }

  int end() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    kill(-1, SIGKILL);  // all of the namespace but ourselves
    while (true) {
      pid_t pid = 0;
      while ((pid = waitpid(-1, nullptr, WNOHANG)) > 0) continue;
      if (pid < 0) break;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        dprintf(log_.get(), "gust-launcher: killed processes did not end within %lld s\n",
                static_cast<long long>(kPatience.count()));
        return 1;
      }
      pollfd watched{signals_.get(), POLLIN, 0};
      poll(&watched, 1, static_cast<int>(left.count()));
      clear(signals_);
    }
    return directories_.clear().step == Step::kNone ? 0 : 1;
  }

  UniqueFd socket_;
  UniqueFd log_;
  UniqueFd null_device_;
  UniqueFd signals_;
  WorkingDirectories directories_;
  Runs runs_;
  KeeperOptions options_;
  std::vector<char> buffer_;
};

}  // namespace

int run_keeper(UniqueFd socket, UniqueFd log, const KeeperOptions& options) {
  const UniqueFd low(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  UniqueFd host_proc = low ? move_up(low.get()) : UniqueFd();
  const int driver = socket.get();
  const auto inside = [&] {
    Keeper keeper(std::move(socket), std::move(log), std::move(host_proc), options);
    return keeper.run();
  };
  const auto failed = [&](Failure failure) {
    const ReadyEntry ready{.error_number = failure.error_number, .step = failure.step, .unenforced = 0};
    send_packet(driver, LauncherFrame::kReady, std::span(&ready, 1));
  };
  return run_as_first_process(inside, failed);
}

}  // namespace gust::container
