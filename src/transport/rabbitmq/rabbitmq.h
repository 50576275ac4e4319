// Packs send to each other by way of a RabbitMQ server: every pack receives from a queue of its own, which whoever
// comes first declares. docs/transports.md has what it promises and how fast it is.
#pragma once

#include "transport/backend.h"

namespace gust::transport::rabbitmq {

/// "rabbitmq".
extern const Backend kBackends[1];

}  // namespace gust::transport::rabbitmq
