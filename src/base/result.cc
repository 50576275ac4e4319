#include "base/result.h"

#include <cstring>

namespace gust {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknown: return "unknown";
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kExists: return "exists";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kTooLarge: return "too_large";
    case ErrorCode::kNeverFits: return "never_fits";
    case ErrorCode::kBusy: return "busy";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimedOut: return "timed_out";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kCrashed: return "crashed";
    case ErrorCode::kVersionMismatch: return "version_mismatch";
    case ErrorCode::kInternal: return "internal";
  }
  return "unknown";
}

Error Error::while_doing(std::string_view what) const {
  std::string text(what);
  text += ": ";
  text += message;
  return Error{code, std::move(text)};
}

std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

std::unexpected<Error> fail_errno(std::string_view what, int error_number) {
  std::string text(what);
  text += ": ";
  text += std::strerror(error_number);
  return fail(ErrorCode::kInternal, std::move(text));
}

}  // namespace gust
