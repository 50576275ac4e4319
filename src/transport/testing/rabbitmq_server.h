// rabbitmq-server for tests: a node of the test's own, with the name server that Erlang's nodes need.
#pragma once

#include <memory>
#include <string>

#include "transport/testing/server.h"

namespace gust::transport::testing {

class RabbitServer {
 public:
  /// Takes some seconds. Errors as of Server::start().
  static Result<std::unique_ptr<RabbitServer>> start();

  [[nodiscard]] Server& broker() { return *broker_; }
  /// "" or "?durable=true" for `query`.
  [[nodiscard]] std::string uri(const std::string& query = "") const;
  /// What `rabbitmqctl …` printed; takes some seconds.
  [[nodiscard]] Result<std::string> control(const std::string& arguments) const;

 private:
  std::unique_ptr<Server> names_;  // epmd
  std::unique_ptr<Server> broker_;
};

/// The one that a test program's cases share, started when first asked for; null when none can be had.
RabbitServer* shared_rabbitmq();
/// Why; empty when there is one.
std::string rabbitmq_missing();

}  // namespace gust::transport::testing
