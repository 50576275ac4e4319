#include "container/launcher/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <utility>

#include "container/launcher/packet.h"
#include "container/sandbox/paths.h"

namespace gust::container {
namespace {

/// Sent by the kernel when the thread that started the launcher ends; it means something only if its process is gone.
constexpr int kParentSignal = SIGUSR1;
/// For a killed process to go away: it can be held up by the kernel only, in a file system or a driver.
constexpr std::chrono::seconds kPatience{5};

UniqueFd watch_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, kParentSignal}) sigaddset(&watched, number);
  if (sigprocmask(SIG_BLOCK, &watched, nullptr) != 0) return UniqueFd();
  return UniqueFd(signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
}

}  // namespace

Launcher::Launcher(UniqueFd socket, UniqueFd log)
    : socket_(std::move(socket)), log_(std::move(log)), parent_(getppid()) {}

int Launcher::run(const LauncherOptions& options) {
  const Failure failure = prepare(options);
  send_ready(failure);
  if (failure.step != Step::kNone) return 1;
  Containers containers(sandboxes_ ? kPackInside : options.pack_binary, options.pack, directories_, descendants_,
                        sandboxes_ ? &*sandboxes_ : nullptr, options.prewarm, highest_tag_, log_.get());
  serve(containers);
  return shut_down(containers);
}

Failure Launcher::prepare(const LauncherOptions& options) {
  null_device_ = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_device_) return {Step::kDescriptors, errno};
  null_device_ = move_up(null_device_.get());
  if (!null_device_ || !clear_low_descriptors(null_device_.get())) return {Step::kDescriptors, errno};
  const std::optional<Tag> tag = prepare_own_limits();
  if (!tag) return {Step::kDescriptors, errno};
  highest_tag_ = *tag;
  signals_ = watch_signals();
  if (!signals_ || prctl(PR_SET_PDEATHSIG, kParentSignal) != 0 || !descendants_.adopt()) {
    return {Step::kWatchChildren, errno};
  }
  const Failure failure = directories_.open(options.directory);
  if (failure.step != Step::kNone || options.isolation == Isolation::kNone) return failure;
  return sandboxes_.emplace().prepare({.mount_point = options.directory,
                                       .pack_binary = options.pack_binary,
                                       .code_directory = options.code_directory,
                                       .image_root = options.image_root,
                                       .image_directory = options.image_directory,
                                       .shown = options.shown},
                                      options.network);
}

void Launcher::send_ready(Failure failure) const {
  const ReadyEntry entry{.error_number = failure.error_number,
                         .step = failure.step,
                         .unenforced = sandboxes_ ? sandboxes_->unenforced() : std::uint16_t{0}};
  send_packet(socket_.get(), LauncherFrame::kReady, std::span(&entry, 1));
}

void Launcher::serve(Containers& containers) {
  bool removing = false;
  bool preparing = true;
  while (true) {
    pollfd watched[] = {{socket_.get(), static_cast<short>(blocked_ ? POLLIN | POLLOUT : POLLIN), 0},
                        {signals_.get(), POLLIN, 0},
                        {containers.prewarm_fd(), POLLIN, 0}};
    const int wait_ms = containers.prewarm_wait_ms();
    const int ready = poll(watched, 3, removing || preparing ? 0 : wait_ms);
    if (ready < 0 && errno != EINTR) return;
    // Nobody waits for this: only while there is nothing else.
    if (ready == 0 && wait_ms == 0 && !removing) {
      containers.prewarm();
    } else if (ready == 0) {
      preparing = containers.make_spare();
    }
    if ((watched[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) containers.welcome_prewarmed();
    if ((watched[1].revents & POLLIN) != 0 && !handle_signals(containers)) return;
    if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive(containers)) return;
    removing = containers.tidy();
    flush(containers.events());
  }
}

/// At most one packet, so that exits are looked at between the batches. False when the driver is gone.
bool Launcher::receive(Containers& containers) {
  ReceivedPacket packet = receive_packet(socket_.get(), buffer_.bytes());
  if (packet.end) return false;
  const std::optional<LauncherHeader> header = read_header(std::string_view(packet.bytes.data(), packet.bytes.size()));
  if (!header) return packet.bytes.empty();
  if (header->type == LauncherFrame::kStart) {
    return start_all(containers, packet.bytes, header->count, std::move(packet.descriptors));
  }
  for (const std::uint64_t id : entries<std::uint64_t>(packet.bytes)) containers.kill(id);
  return header->type == LauncherFrame::kKill;
}

/// False when the packet breaks the protocol: then the driver is not one to go on with.
bool Launcher::start_all(Containers& containers, std::span<char> packet, std::uint32_t count,
                         std::vector<UniqueFd> descriptors) {
  const auto requests = read_starts(packet, count);
  if (!requests) {
    dprintf(log_.get(), "gust-launcher: a start is not of protocol %u; install gust and gust-launcher from one build\n",
            kLauncherProtocolVersion);
    return false;
  }
  std::size_t next = 0;
  for (const StartRequest& request : *requests) {
    // Fewer arrive than were sent when this process may not have as many.
    if (next + kDescriptorsPerStart > descriptors.size()) {
      containers.refuse(request.entry.id, {Step::kDescriptors, EMFILE});
      continue;
    }
    containers.start(request, {.socket = descriptors[next].get(),
                               .standard_output = descriptors[next + 1].get(),
                               .standard_error = descriptors[next + 2].get()});
    for (const std::size_t end = next + kDescriptorsPerStart; next < end; ++next) descriptors[next].reset();
  }
  return clear_low_descriptors(null_device_.get());
}

/// False when it is time to end.
bool Launcher::handle_signals(Containers& containers) {
  signalfd_siginfo infos[8];
  const ssize_t size = read(signals_.get(), infos, sizeof infos);
  bool children = false;
  for (std::size_t i = 0; size > 0 && i < static_cast<std::size_t>(size) / sizeof infos[0]; ++i) {
    const int number = static_cast<int>(infos[i].ssi_signo);
    children |= number == SIGCHLD;
    // SIGTERM and SIGINT come to a whole group (Ctrl-C, Slurm): the driver answers them, and this ends with the driver.
    if (number == kParentSignal && getppid() != parent_) return false;
  }
  if (children) containers.reap();
  return true;
}

void Launcher::flush(std::vector<EventEntry>& events) {
  std::size_t sent = 0;
  blocked_ = false;
  while (sent < events.size() && !blocked_) {
    const std::size_t count = std::min(events.size() - sent, kMaxEventsPerPacket);
    blocked_ = !send_packet(socket_.get(), LauncherFrame::kEvents, std::span<const EventEntry>(&events[sent], count));
    if (!blocked_) sent += count;
  }
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(sent));
}

int Launcher::shut_down(Containers& containers) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  bool empty = containers.end_all();
  while (!empty) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    pollfd watched{signals_.get(), POLLIN, 0};
    poll(&watched, 1, static_cast<int>(left.count()));
    signalfd_siginfo infos[8];
    if (read(signals_.get(), infos, sizeof infos) < 0 && errno != EAGAIN) break;
    empty = containers.end_all();
  }
  if (!empty)
    dprintf(log_.get(), "gust-launcher: killed processes did not end within %lld s\n",
            static_cast<long long>(kPatience.count()));
  return directories_.clear().step == Step::kNone && empty ? 0 : 1;
}

}  // namespace gust::container
