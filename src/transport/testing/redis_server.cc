#include "transport/testing/redis_server.h"

#include <utility>

namespace gust::transport::testing {

namespace {

Result<std::unique_ptr<Server>> start(ServerProgram program, std::vector<std::string> more) {
  program.arguments = [more = std::move(more)](const std::filesystem::path& folder, std::uint16_t port) {
    std::vector<std::string> arguments = {"--port", std::to_string(port), "--bind", "127.0.0.1", "--save",
                                          "",       "--appendonly",       "no",     "--dir",     folder.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  program.answers = [](std::uint16_t port) {
    return replies(port, "PING\r\n", "+PONG") || replies(port, "PING\r\n", "-NOAUTH");
  };
  return Server::start(std::move(program));
}

Result<std::unique_ptr<Server>>& redis() {
  static Result<std::unique_ptr<Server>> server = start_redis();
  return server;
}

Result<std::unique_ptr<Server>>& valkey() {
  static Result<std::unique_ptr<Server>> server = [] {
    ServerProgram program;
    program.name = "valkey-server";
    program.path = GUST_VALKEY_SERVER;
    return start(std::move(program), {});
  }();
  return server;
}

const Server* get(const Result<std::unique_ptr<Server>>& server) { return server ? server->get() : nullptr; }

std::string why_missing(const Result<std::unique_ptr<Server>>& server) {
  return server ? std::string() : server.error().message;
}

}  // namespace

Result<std::unique_ptr<Server>> start_redis(std::vector<std::string> more) {
  ServerProgram program;
  program.name = "redis-server";
  return start(std::move(program), std::move(more));
}

std::string redis_uri(const Server& server) { return "redis://127.0.0.1:" + std::to_string(server.port()); }

const Server* shared_redis() { return get(redis()); }
const Server* shared_valkey() { return get(valkey()); }

std::string redis_missing() { return why_missing(redis()); }
std::string valkey_missing() { return why_missing(valkey()); }

}  // namespace gust::transport::testing
