// The questions by which invokers get certificates. Inside the module only.
#pragma once

#include <optional>

#include "controller/invoker_stream.h"

namespace gust::controller {

/// To a Discover, Join or Renew of a client that has shown this certificate; Refused where it cannot be given.
protocol::ControllerMessage answer_join_call(const protocol::InvokerMessage& question,
                                             const std::optional<protocol::PeerCertificate>& peer,
                                             const GatewayService& service);

}  // namespace gust::controller
