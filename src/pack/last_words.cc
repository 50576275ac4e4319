#include "pack/last_words.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>

#include "base/clock.h"
#include "protocol/pack_frames.h"

namespace gust::pack {

namespace {

using protocol::CrashedMessage;
using protocol::ExitedMessage;
using protocol::FrameType;
using protocol::PacketHeader;

// A signal handler gets no argument of ours: this is the one place with state of the process.
int invoker_socket = -1;
enum class Spoken { kNothing, kCrash, kExit };
std::atomic<Spoken> spoken = Spoken::kNothing;
constinit thread_local std::uint32_t this_worker = protocol::kNoWorker;

constexpr std::array kCrashSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
constexpr int kWaitForSocketMs = 1000;
constexpr int kExitCodeOfSignals = 128;  // as shells have it

// Only functions that a signal handler may call. One packet, so that it arrives whole.
template <class Message>
void speak(FrameType type, const Message& message) {
  std::array<unsigned char, sizeof(PacketHeader) + sizeof(Message)> packet;
  PacketHeader header;
  header.type = type;
  header.size = sizeof(Message);
  std::memcpy(packet.data(), &header, sizeof header);
  std::memcpy(packet.data() + sizeof header, &message, sizeof message);
  pollfd entry{.fd = invoker_socket, .events = POLLOUT, .revents = 0};
  while (::send(invoker_socket, packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR && (errno != EAGAIN || ::poll(&entry, 1, kWaitForSocketMs) <= 0)) return;
  }
}

void on_crash(int signal, siginfo_t* info, void* /*context*/) {
  const bool from_outside = info->si_code <= 0 && info->si_pid != ::getpid();
  if (!from_outside) {
    Spoken before = Spoken::kNothing;
    if (spoken.compare_exchange_strong(before, Spoken::kCrash)) {
      CrashedMessage message;
      message.worker_id = this_worker;
      message.signal = signal;
      message.address = info->si_code > 0 ? reinterpret_cast<std::uint64_t>(info->si_addr) : 0;
      message.at_us = to_micros(wall_now());
      speak(FrameType::kCrashed, message);
    } else if (before == Spoken::kCrash) {
      // Two workers crash at once: the first is speaking, and its signal will be the end of both.
      ::poll(nullptr, 0, kWaitForSocketMs);
    }
  }
  // Blocked while this handler runs, so it strikes on return: at the instruction that crashed.
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  // The first process of a process namespace gets no signal without a handler but from outside.
  if (::getpid() == 1) ::_exit(kExitCodeOfSignals + signal);
}

void on_process_exit(int exit_code, void* /*argument*/) {
  Spoken before = Spoken::kNothing;
  if (!spoken.compare_exchange_strong(before, Spoken::kExit)) return;
  ExitedMessage message;
  message.worker_id = this_worker;
  message.exit_code = exit_code & 0xff;
  message.at_us = to_micros(wall_now());
  speak(FrameType::kExited, message);
}

static_assert(std::atomic<Spoken>::is_always_lock_free, "a signal handler may not lock");

}  // namespace

void report_crashes(int socket) {
  invoker_socket = socket;
  struct sigaction action{};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (int signal : kCrashSignals) ::sigaction(signal, &action, nullptr);
}

void report_exit() { ::on_exit(on_process_exit, nullptr); }

void become_worker(WorkerId worker) { this_worker = worker.value(); }

void use_signal_stack(std::span<std::byte> stack) {
  const stack_t described{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  ::sigaltstack(&described, nullptr);
}

}  // namespace gust::pack
