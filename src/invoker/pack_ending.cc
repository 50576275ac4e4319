// How a pack ended: the other half of PackLedger.
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <sys/wait.h>

#include "invoker/pack_ledger.h"
#include "invoker/utf8.h"

namespace gust::invoker {

namespace {

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

// Signals that a program brings upon itself; for these, and only these, si_addr is an address.
bool has_address(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGTRAP;
}

bool is_crash(int signal) { return has_address(signal) || signal == SIGABRT || signal == SIGSYS; }

}  // namespace

protocol::PackEnded PackLedger::conclude(const container::Exited& exited, const std::optional<Verdict>& verdict) const {
  if (!exited.failure.empty()) return launch_failed(id_, exited.failure, exited.at);

  protocol::PackEnded ended;
  ended.set_ended_us(to_micros(exited.at));
  ended.set_cpu_us(exited.cpu_us);
  ended.set_peak_memory_bytes(exited.peak_memory.count());
  const bool clean = WIFEXITED(exited.wait_status) && WEXITSTATUS(exited.wait_status) == 0;

  // What the pack said of its own death comes first: it was there before whatever the invoker then did.
  if (load_failure_) {
    ended.set_cause(protocol::PACK_CAUSE_LOAD_FAILED);
    ended.set_message(*load_failure_);
  } else if (crash_) {
    ended.set_cause(protocol::PACK_CAUSE_WORKER_CRASHED);
    ended.set_signal(crash_->signal);
    if (crash_->worker_id != protocol::kNoWorker) ended.set_worker_id(crash_->worker_id);
    ended.set_message(describe_crash(exited.out_of_memory));
  } else if (exit_) {
    ended.set_cause(protocol::PACK_CAUSE_WORKER_EXITED);
    ended.set_exit_code(exit_->exit_code);
    if (exit_->worker_id != protocol::kNoWorker) ended.set_worker_id(exit_->worker_id);
    ended.set_message(
        fmt::format("{} ended its pack with exit code {}; return from work() instead",
                    exit_->worker_id != protocol::kNoWorker ? fmt::format("worker {}", exit_->worker_id) : "user code",
                    exit_->exit_code));
  } else if (verdict && verdict->kind == Verdict::Kind::kFaulty) {
    ended.set_cause(protocol::PACK_CAUSE_KILLED);
    ended.set_signal(SIGKILL);
    ended.set_message(fmt::format("{} broke the rules between a pack and its invoker and was killed: {}", name(),
                                  to_utf8(verdict->reason)));
  } else if (all_finished() && clean) {
    ended.set_cause(protocol::PACK_CAUSE_FINISHED);
  } else if (verdict && verdict->kind == Verdict::Kind::kLingered && all_finished()) {
    ended.set_cause(protocol::PACK_CAUSE_FINISHED);
    ended.set_message(fmt::format("{} did not exit after its last worker had finished; it was killed", name()));
  } else if (verdict && verdict->kind == Verdict::Kind::kStopped) {
    ended.set_cause(protocol::PACK_CAUSE_STOPPED);
    ended.set_message(fmt::format("{} was stopped: {}", name(), to_utf8(verdict->reason)));
  } else if (exited.out_of_memory) {
    ended.set_cause(protocol::PACK_CAUSE_KILLED);
    ended.set_signal(SIGKILL);
    ended.set_message(killed_at_memory_limit());
  } else if (verdict) {
    ended.set_cause(protocol::PACK_CAUSE_KILLED);
    ended.set_signal(SIGKILL);
    ended.set_message(fmt::format("{} was killed by its invoker: {}", name(), to_utf8(verdict->reason)));
  } else {
    conclude_from_status(exited.wait_status, ended);
  }
  return ended;
}

std::string PackLedger::describe_crash(bool out_of_memory) const {
  const int signal = crash_->signal;
  const bool of_worker = crash_->worker_id != protocol::kNoWorker;
  // Who reports without an address reports the end of a process: a worker's, or the one that workers are forked from.
  const bool of_process = crash_->address == protocol::kNoAddress;
  const std::string who = of_worker    ? fmt::format("worker {}", crash_->worker_id)
                          : of_process ? fmt::format("the interpreter of {}", name())
                                       : name();
  if (is_crash(signal)) {
    return fmt::format("{} crashed with {}{}{}", who, signal_name(signal),
                       has_address(signal) && !of_process ? fmt::format(" (address {:#x})", crash_->address) : "",
                       of_worker || of_process ? "" : " in a thread that belongs to no worker");
  }
  if (!out_of_memory || signal != SIGKILL) return fmt::format("{} was killed by {}", who, signal_name(signal));
  return killed_at_memory_limit(of_worker ? who : "");
}

/// The limit is the pack's. Of several threads the kernel does not say which went over it; of processes, `culprit`.
std::string PackLedger::killed_at_memory_limit(std::string culprit) const {
  const bool alone = workers_.count == 1;
  const std::string who =
      !culprit.empty() ? std::move(culprit)
      : alone          ? fmt::format("worker {}", workers_.first.value())
                       : fmt::format("{} (workers {} to {})", name(), workers_.first.value(), workers_.end() - 1);
  return fmt::format("{} on invoker {}: killed at its {} memory limit; raise limits.memory{}", who, invoker_.value(),
                     to_string(memory_limit_), alone ? "" : " or put fewer workers into a pack");
}

void PackLedger::conclude_from_status(int status, protocol::PackEnded& ended) const {
  if (WIFSIGNALED(status)) return conclude_from_signal(WTERMSIG(status), ended);
  ended.set_cause(protocol::PACK_CAUSE_WORKER_EXITED);
  ended.set_exit_code(WEXITSTATUS(status));
  ended.set_message(fmt::format("{} exited with code {} after {} of its {} workers had finished", name(),
                                WEXITSTATUS(status), finished_count_, workers_.count));
}

void PackLedger::conclude_from_signal(int signal, protocol::PackEnded& ended) const {
  ended.set_signal(signal);
  if (is_crash(signal)) {
    ended.set_cause(protocol::PACK_CAUSE_WORKER_CRASHED);
    ended.set_message(fmt::format("{} crashed with {}; it could not say in which worker", name(), signal_name(signal)));
    return;
  }
  ended.set_cause(protocol::PACK_CAUSE_KILLED);
  ended.set_message(fmt::format("{} was killed by {} from outside", name(), signal_name(signal)));
  if (signal == SIGKILL && memory_limit_.count() > 0) {
    *ended.mutable_message() +=
        fmt::format("; if it used too much memory, raise limits.memory ({}) or put fewer workers into a pack",
                    to_string(memory_limit_));
  }
}

protocol::PackEnded PackLedger::launch_failed(PackId id, std::string_view reason, WallTime now) {
  protocol::PackEnded ended;
  ended.set_cause(protocol::PACK_CAUSE_LAUNCH_FAILED);
  ended.set_ended_us(to_micros(now));
  ended.set_message(fmt::format("pack {} could not be started: {}", id.value(), to_utf8(reason)));
  return ended;
}

}  // namespace gust::invoker
