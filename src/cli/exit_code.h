// Exit codes of `gust`, the same for every subcommand (docs/errors.md).
#pragma once

#include "base/result.h"

namespace gust::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,       ///< the flare, or what was asked for, failed
  kExitUsage = 2,        ///< wrong flags or wrong input
  kExitUnreachable = 3,  ///< no controller there, or it went away
  kExitDenied = 4,       ///< no key or a wrong one; a permission that is missing
  kExitNotFound = 5,     ///< no such action, activation or flare
  kExitNoCapacity = 6,   ///< more than the cluster has, or the queue is full
  kExitTimedOut = 7,
  kExitInterrupted = 130,
};

int exit_code(ErrorCode code);

/// Prints "gust: <message>" on standard error, and gives the exit code.
int report(const Error& error);

}  // namespace gust::cli
