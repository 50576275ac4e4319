// How an activation ended, in OpenWhisk's terms.
#pragma once

#include <cstdint>
#include <string_view>

#include "store/store.h"

namespace gust::openwhisk {

/// The values are OpenWhisk's status codes.
enum class Outcome : std::uint8_t {
  kSuccess = 0,
  kApplicationError = 1,  ///< a worker returned an error
  kDeveloperError = 2,    ///< the code crashed, exited, could not be loaded or was too slow
  kInternalError = 3,     ///< the platform's fault, or cancelled
};
/// "success", "application error", "action developer error", "whisk internal error".
std::string_view to_string(Outcome outcome);

/// Of one activation, whose flare has ended. A flare is one job: when it failed, all of its activations did.
Outcome outcome_of(const store::ActivationView& view);

/// What OpenWhisk asks of an invocation's result; a burst's may be any value.
bool is_object_or_array(std::string_view result);

}  // namespace gust::openwhisk
