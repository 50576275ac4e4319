#include "openwhisk/outcome.h"

namespace gust::openwhisk {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSuccess: return "success";
    case Outcome::kApplicationError: return "application error";
    case Outcome::kDeveloperError: return "action developer error";
    case Outcome::kInternalError: return "whisk internal error";
  }
  return "whisk internal error";
}

Outcome outcome_of(const store::ActivationView& view) {
  const store::FlareRecord& flare = *view.flare;
  if (flare.state == store::FlareState::kSucceeded) {
    const WorkerRange range = view.activation().workers;
    for (std::uint32_t id = range.first.value(); id < range.end(); ++id) {
      if (flare.workers[id].state == store::WorkerState::kReturnedError) return Outcome::kApplicationError;
    }
    return Outcome::kSuccess;
  }
  switch (flare.cause ? flare.cause->code : ErrorCode::kInternal) {
    case ErrorCode::kInvalid:
    case ErrorCode::kVersionMismatch:
    case ErrorCode::kTooLarge:
    case ErrorCode::kCrashed:
    case ErrorCode::kTimedOut: return Outcome::kDeveloperError;
    case ErrorCode::kUnknown:
    case ErrorCode::kNotFound:
    case ErrorCode::kExists:
    case ErrorCode::kDenied:
    case ErrorCode::kNeverFits:
    case ErrorCode::kBusy:
    case ErrorCode::kUnavailable:
    case ErrorCode::kCancelled:
    case ErrorCode::kInternal: break;
  }
  return Outcome::kInternalError;
}

}  // namespace gust::openwhisk
