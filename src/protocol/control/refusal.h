// How a controller says why it ends a connection, and how that is read.
#pragma once

#include "base/result.h"
#include "protocol/control.pb.h"

namespace gust::protocol {

ControllerMessage refusal(const Error& error);

/// kVersionMismatch, kDenied, kExists and kInvalid are for good, with the controller's sentence; anything else is
/// kUnavailable.
Error read_refusal(const Refused& refused);

}  // namespace gust::protocol
