// Result<T> and Error: what every module returns for things that go wrong in normal life (bad input, a peer gone, a
// limit hit). Broken invariants do not come this way: they abort with a message (see check.h). docs/errors.md is the
// policy.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gust {

/// What kind of thing went wrong: callers branch on it, and one table each turns it into an HTTP status (http/status.h)
/// and an exit code (cli/exit_code.h). The values are stable: they travel between controller and invoker.
enum class ErrorCode : std::uint8_t {
  kUnknown = 0,
  kInvalid = 1,           ///< the input is wrong; the same input will fail again
  kNotFound = 2,          ///< the named thing does not exist
  kExists = 3,            ///< the named thing exists already
  kDenied = 4,            ///< no key, a wrong key, or a key without this right
  kTooLarge = 5,          ///< over a size limit
  kNeverFits = 6,         ///< more than the whole cluster has: waiting would not help
  kBusy = 7,              ///< a bounded resource is full now; later it may not be
  kUnavailable = 8,       ///< a peer is gone or not there yet
  kTimedOut = 9,          ///< a deadline passed
  kCancelled = 10,        ///< somebody asked for the end
  kCrashed = 11,          ///< user code or its pack died
  kVersionMismatch = 12,  ///< the two sides speak different versions
  kInternal = 13,         ///< a system call or library failed in a way that input cannot cause
};

/// The stable lower-case name of a code, e.g. "never_fits".
std::string_view to_string(ErrorCode code);

/// A code to branch on and a sentence to act on: which value was wrong, what would be right, and the next step.
struct Error {
  ErrorCode code = ErrorCode::kUnknown;
  std::string message;

  /// The same error with what was being done in front: "deploy hello: file not found".
  [[nodiscard]] Error while_doing(std::string_view what) const;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] std::unexpected<Error> fail(ErrorCode code, std::string message);

/// kInternal with errno's text: "open /x: Permission denied".
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, int error_number);

}  // namespace gust

/// The value of a Result, or a return of its error from the enclosing function.
#define GUST_TRY(expression)                                                          \
  ({                                                                                  \
    auto gust_try_result = (expression);                                              \
    if (!gust_try_result) return std::unexpected(std::move(gust_try_result).error()); \
    std::move(gust_try_result).value();                                               \
  })

/// The same for Result<void>.
#define GUST_TRY_VOID(expression)                                                     \
  do {                                                                                \
    auto gust_try_result = (expression);                                              \
    if (!gust_try_result) return std::unexpected(std::move(gust_try_result).error()); \
  } while (false)
