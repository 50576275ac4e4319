// Channels to the controller, and its statuses as errors.
#pragma once

#include <grpcpp/grpcpp.h>
#include <memory>
#include <string>

#include "base/result.h"

namespace gust::invoker {

/// Shares no connection with other channels, and no back-off: the caller decides when to try again.
std::shared_ptr<grpc::Channel> open_channel(const std::string& target,
                                            const std::shared_ptr<grpc::ChannelCredentials>& credentials);

/// kVersionMismatch, kDenied, kExists and kInvalid are the controller's refusals, with its sentence; anything else, and
/// OK, is kUnavailable.
Error to_error(const grpc::Status& status);

}  // namespace gust::invoker
