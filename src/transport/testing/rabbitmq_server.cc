#include "transport/testing/rabbitmq_server.h"

#include <array>
#include <cstdio>
#include <utility>

namespace gust::transport::testing {

namespace {

// Debian's rabbitmq-server in PATH is a wrapper that wants to be another user; this is what it calls.
constexpr const char* kPrograms = "/usr/lib/rabbitmq/bin/";

Result<std::unique_ptr<RabbitServer>>& shared() {
  static Result<std::unique_ptr<RabbitServer>> server = RabbitServer::start();
  return server;
}

std::vector<std::string> environment(const std::filesystem::path& folder, std::uint16_t port, std::uint16_t names,
                                     std::uint16_t nodes) {
  const std::string here = folder.string();
  return {
      "HOME=" + here,  // of the cookie
      "ERL_EPMD_ADDRESS=127.0.0.1",
      "ERL_EPMD_PORT=" + std::to_string(names),
      "RABBITMQ_NODENAME=gust" + std::to_string(port) + "@localhost",
      "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
      "RABBITMQ_NODE_PORT=" + std::to_string(port),
      "RABBITMQ_DIST_PORT=" + std::to_string(nodes),
      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
      "RABBITMQ_MNESIA_BASE=" + here + "/mnesia",
      "RABBITMQ_LOG_BASE=" + here,
      "RABBITMQ_LOGS=-",
      "RABBITMQ_ENABLED_PLUGINS_FILE=" + here + "/no-plugins",
      "RABBITMQ_CONFIG_FILE=" + here + "/no-configuration",
      "RABBITMQ_CONF_ENV_FILE=/dev/null",
      "RUNNING_UNDER_SYSTEMD=yes",  // no shell stays between the node and us
  };
}

}  // namespace

Result<std::unique_ptr<RabbitServer>> RabbitServer::start() {
  auto server = std::make_unique<RabbitServer>();
  ServerProgram names;
  names.name = "epmd";
  names.arguments = [](const std::filesystem::path& /*folder*/, std::uint16_t port) -> std::vector<std::string> {
    return {"-port", std::to_string(port), "-address", "127.0.0.1"};
  };
  // A request of one byte for the names of all nodes, and in the answer the port of the answering one.
  names.answers = [](std::uint16_t port) {
    const std::array<char, 4> number{0, 0, static_cast<char>(port >> 8), static_cast<char>(port)};
    return replies(port, {"\0\1n", 3}, {number.data(), number.size()});
  };

  ServerProgram broker;
  broker.name = "rabbitmq-server";
  broker.path = kPrograms + broker.name;
  broker.arguments = [](const std::filesystem::path& /*folder*/, std::uint16_t /*port*/) {
    return std::vector<std::string>();
  };
  broker.answers = [](std::uint16_t port) { return replies(port, {"AMQP\0\0\x09\x01", 8}, {"\1\0\0", 3}); };

  server->names_ = GUST_TRY(Server::start(std::move(names)));
  const std::uint16_t nodes = GUST_TRY(free_port());
  broker.environment = [names_port = server->names_->port(), nodes](const std::filesystem::path& folder,
                                                                    std::uint16_t port) {
    return environment(folder, port, names_port, nodes);
  };
  server->broker_ = GUST_TRY(Server::start(std::move(broker)));
  return server;
}

std::string RabbitServer::uri(const std::string& query) const {
  return "amqp://guest:guest@127.0.0.1:" + std::to_string(broker_->port()) + "/" + query;
}

Result<std::string> RabbitServer::control(const std::string& arguments) const {
  std::string command;
  for (const std::string& setting : environment(broker_->folder(), broker_->port(), names_->port(), 0)) {
    if (!setting.starts_with("RABBITMQ_SERVER_") && !setting.starts_with("RABBITMQ_DIST_")) command += setting + " ";
  }
  command += std::string(kPrograms) + "rabbitmqctl --quiet " + arguments + " 2>&1";
  std::FILE* output = ::popen(command.c_str(), "re");
  if (output == nullptr) return fail_errno("run rabbitmqctl", errno);
  std::string text;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), output)) text.append(part.data(), size);
  if (::pclose(output) != 0) return fail(ErrorCode::kUnavailable, "rabbitmqctl " + arguments + ": " + text);
  return text;
}

RabbitServer* shared_rabbitmq() { return shared() ? shared()->get() : nullptr; }

std::string rabbitmq_missing() { return shared() ? std::string() : shared().error().message; }

}  // namespace gust::transport::testing
