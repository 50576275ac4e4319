#include "store/records.h"

namespace gust::store {

std::string_view to_string(FlareState state) {
  switch (state) {
    case FlareState::kQueued: return "queued";
    case FlareState::kReserved: return "reserved";
    case FlareState::kStarting: return "starting";
    case FlareState::kRunning: return "running";
    case FlareState::kFinishing: return "finishing";
    case FlareState::kSucceeded: return "succeeded";
    case FlareState::kFailed: return "failed";
    case FlareState::kCancelled: return "cancelled";
    case FlareState::kTimedOut: return "timed_out";
  }
  return "unknown";
}

std::string_view to_string(PackState state) {
  switch (state) {
    case PackState::kPlanned: return "planned";
    case PackState::kStarting: return "starting";
    case PackState::kLoaded: return "loaded";
    case PackState::kRunning: return "running";
    case PackState::kEnded: return "ended";
  }
  return "unknown";
}

std::string_view to_string(WorkerState state) {
  switch (state) {
    case WorkerState::kWaiting: return "waiting";
    case WorkerState::kRunning: return "running";
    case WorkerState::kReturned: return "returned";
    case WorkerState::kReturnedError: return "returned_error";
    case WorkerState::kLost: return "lost";
  }
  return "unknown";
}

std::string_view to_string(PackCause cause) {
  switch (cause) {
    case PackCause::kUnknown: return "unknown";
    case PackCause::kFinished: return "finished";
    case PackCause::kLoadFailed: return "load_failed";
    case PackCause::kWorkerCrashed: return "worker_crashed";
    case PackCause::kWorkerExited: return "worker_exited";
    case PackCause::kKilled: return "killed";
    case PackCause::kStopped: return "stopped";
    case PackCause::kLaunchFailed: return "launch_failed";
    case PackCause::kInvokerLost: return "invoker_lost";
  }
  return "unknown";
}

WallTime start_of(const FlareRecord& flare) {
  return flare.stamps.starting == WallTime() ? flare.stamps.received : flare.stamps.starting;
}

}  // namespace gust::store
