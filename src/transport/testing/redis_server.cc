#include "transport/testing/redis_server.h"

#include <utility>

namespace gust::transport::testing {

namespace {

Result<std::unique_ptr<Server>>& shared() {
  static Result<std::unique_ptr<Server>> server = start_redis();
  return server;
}

}  // namespace

Result<std::unique_ptr<Server>> start_redis(std::vector<std::string> more) {
  ServerProgram program;
  program.name = "redis-server";
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

std::string redis_uri(const Server& server) { return "redis://127.0.0.1:" + std::to_string(server.port()); }

const Server* shared_redis() { return shared() ? shared()->get() : nullptr; }

std::string redis_missing() { return shared() ? std::string() : shared().error().message; }

}  // namespace gust::transport::testing
