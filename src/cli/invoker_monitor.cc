#include "cli/invoker_monitor.h"

#include <fmt/format.h>
#include <utility>

#include "base/config.h"

namespace gust::cli {

namespace {

http::Response text(unsigned status, std::string body) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(body)};
}

void answer(invoker::Invoker& agent, const http::Request& request, http::Responder respond) {
  if (request.method != "GET") return respond(text(405, "only GET is served here"));
  if (request.path == "/ping") {
    // Its own thread says so: a server that answers for an agent that hangs would be of no use.
    agent.readiness(
        [respond = std::move(respond)](const std::string& /*obstacle*/) mutable { respond(text(200, "pong")); });
  } else if (request.path == "/ready") {
    agent.readiness([respond = std::move(respond)](std::string obstacle) mutable {
      respond(obstacle.empty() ? text(200, "ready") : text(503, std::move(obstacle)));
    });
  } else if (request.path == "/metrics") {
    agent.metrics(
        [respond = std::move(respond)](std::string metrics) mutable { respond(text(200, std::move(metrics))); });
  } else {
    respond(text(404, "/ping, /ready and /metrics are served here"));
  }
}

}  // namespace

Result<std::unique_ptr<InvokerMonitor>> InvokerMonitor::start(boost::asio::io_context& io, invoker::Invoker& agent,
                                                              const std::string& address) {
  const HostPort place = GUST_TRY(parse_host_port(address));
  http::ServerOptions options;
  options.address = place.host;
  options.port = place.port;
  options.transport = http::Transport::kPlainOnly;
  options.body_limit = Bytes(0);
  auto server = GUST_TRY(http::Server::start(
      io, options, std::nullopt,
      [&agent](const http::Request& request, http::Responder respond) { answer(agent, request, std::move(respond)); }));
  return std::unique_ptr<InvokerMonitor>(new InvokerMonitor(io, std::move(server)));
}

InvokerMonitor::InvokerMonitor(boost::asio::io_context& io, std::unique_ptr<http::Server> server)
    : io_(io), server_(std::move(server)), thread_([&io] { io.run(); }) {}

InvokerMonitor::~InvokerMonitor() {
  io_.stop();
  thread_.join();
}

}  // namespace gust::cli
