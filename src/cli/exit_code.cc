#include "cli/exit_code.h"

#include <cstdio>

namespace gust::cli {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kExists:
    case ErrorCode::kTooLarge:
    case ErrorCode::kVersionMismatch: return kExitUsage;
    case ErrorCode::kNotFound: return kExitNotFound;
    case ErrorCode::kDenied: return kExitDenied;
    case ErrorCode::kNeverFits:
    case ErrorCode::kBusy: return kExitNoCapacity;
    case ErrorCode::kUnavailable: return kExitUnreachable;
    case ErrorCode::kTimedOut: return kExitTimedOut;
    case ErrorCode::kCancelled: return kExitInterrupted;
    case ErrorCode::kUnknown:
    case ErrorCode::kCrashed:
    case ErrorCode::kInternal: break;
  }
  return kExitFailed;
}

int report(const Error& error) {
  std::fprintf(stderr, "gust: %s\n", error.message.c_str());
  return exit_code(error.code);
}

}  // namespace gust::cli
