// Where a RabbitMQ server is, and what a flare's queues on it are called.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/result.h"

namespace gust::transport::rabbitmq {

/// What a URI says: amqp://[user:password@]host[:port][/vhost][?durable=true], with % escapes.
struct Address {
  std::string host;
  int port = 5672;
  std::string user;
  std::string password;
  std::string vhost;
  /// Queues and messages are kept on disk: slower, and a flare goes on when its server was killed and started again.
  bool durable = false;

  /// "rabbitmq at host:port": never with the password.
  [[nodiscard]] std::string name() const { return "rabbitmq at " + host + ":" + std::to_string(port); }
};

/// kInvalid, without the URI's text, which holds a password.
Result<Address> parse_uri(const std::string& uri);

/// On which a pack receives.
std::string queue_name(const std::string& flare_id, PackId pack);
/// Never holds a message. A pack declares it when it first connects: where it is missing later, the server has lost
/// what it held.
std::string witness_name(const std::string& flare_id, PackId pack);

}  // namespace gust::transport::rabbitmq
