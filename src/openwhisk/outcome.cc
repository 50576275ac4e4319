#include "openwhisk/outcome.h"

#include "base/json.h"

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

namespace {

/// A result that is an object with a member `error` tells of a failure, as OpenWhisk has it. Only such a text is
/// parsed.
bool tells_of_error(const std::string& result) {
  if (!result.starts_with('{') || result.find("\"error\"") == std::string::npos) return false;
  const auto parsed = parse_json(result, "the result");
  return parsed && parsed->contains("error");
}

Outcome outcome_of_worker(const store::FlareRecord& flare, const store::WorkerRecord& worker) {
  if (worker.state == store::WorkerState::kReturnedError) return Outcome::kApplicationError;
  // In a burst it is one result among others.
  if (flare.invocation != store::Invocation::kSingle) return Outcome::kSuccess;
  if (!is_object_or_array(worker.result)) return Outcome::kDeveloperError;
  return tells_of_error(worker.result) ? Outcome::kApplicationError : Outcome::kSuccess;
}

}  // namespace

bool is_object_or_array(std::string_view result) {
  const std::size_t first = result.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (result[first] == '{' || result[first] == '[');
}

Outcome outcome_of(const store::ActivationView& view) {
  const store::FlareRecord& flare = *view.flare;
  if (flare.state == store::FlareState::kSucceeded) {
    const WorkerRange range = view.activation().workers;
    for (std::uint32_t id = range.first.value(); id < range.end(); ++id) {
      if (const Outcome outcome = outcome_of_worker(flare, flare.workers[id]); outcome != Outcome::kSuccess)
        return outcome;
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
