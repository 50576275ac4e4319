// Requests over kept connections, and new TLS connections with one request each, as Lithops makes them. Client and
// server share the process; cpu_us is the CPU time of both together, of all threads. The floor is OpenSSL alone: both
// sides of the same handshake over a socket pair, on one thread.
#include <fcntl.h>

#include <atomic>
#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>

#include "base/fd.h"
#include "base/tls_context.h"
#include "http/client.h"
#include "http/server.h"

namespace gust::http {
namespace {

namespace asio = boost::asio;
constexpr int kBurst = 960;
constexpr int kOutstanding = 100;

double cpu_micros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

void require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

const Certificate& certificate() {
  static const Certificate kCertificate = make_certificate({}).value();
  return kCertificate;
}

class Serving {
 public:
  Serving()
      : server_(Server::start(io_, {}, certificate(),
                              [](Request request, Responder responder) {
                                responder({.status = 202, .body = std::move(request.body)});
                              })
                    .value()),
        thread_([this] { io_.run(); }) {}
  ~Serving() { server_.reset(); }
  [[nodiscard]] std::unique_ptr<Client> client(bool tls) const {
    return Client::create({.tls = tls, .host = "127.0.0.1", .port = server_->port()},
                          {.trusted_chain_pem = certificate().chain})
        .value();
  }

 private:
  asio::io_context io_{1};
  std::unique_ptr<Server> server_;
  std::jthread thread_;
};

Request invocation() { return {.method = "POST", .path = "/api/v1/namespaces/_/actions/a", .body = R"({"value": 1})"}; }

void kept(benchmark::State& state) {
  const Serving serving;
  const auto client = serving.client(state.range(0) != 0);
  require(client->send(invocation()).has_value(), "no answer");
  const double before = cpu_micros();
  for (auto _ : state) {
    const auto response = client->send(invocation());
    require(response && response->body == invocation().body, "a wrong answer");
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["cpu_us"] = (cpu_micros() - before) / static_cast<double>(state.iterations());
}

void burst(asio::io_context& io, Client& client) {
  int next = 0;
  int right = 0;
  const auto caller = [&]() -> asio::awaitable<void> {
    while (next < kBurst) {
      ++next;
      const auto response = co_await client.async_send(io, invocation(), ConnectionUse::kNew);
      if (response && response->status == 202) ++right;
    }
  };
  for (int i = 0; i < kOutstanding; ++i) asio::co_spawn(io, caller(), asio::detached);
  io.restart();
  io.run();
  require(right == kBurst, "not every invocation was answered");
}

/// Both sides of one handshake in turn, until both are done.
void bare_handshake(SSL_CTX* server_context, SSL_CTX* client_context) {
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "no socket pair");
  const UniqueFd a(ends[0]);
  const UniqueFd b(ends[1]);
  SSL* server = SSL_new(server_context);
  SSL* client = SSL_new(client_context);
  SSL_set_fd(server, a.get());
  SSL_set_fd(client, b.get());
  SSL_set_accept_state(server);
  SSL_set_connect_state(client);
  int done = 0;
  for (int round = 0; round < 10 && done != 2; ++round) {
    done = (SSL_do_handshake(client) == 1 ? 1 : 0) + (SSL_do_handshake(server) == 1 ? 1 : 0);
  }
  require(done == 2, "no handshake");
  SSL_free(client);
  SSL_free(server);
}

double floor_micros() {
  const TlsContext server = make_server_context(certificate()).value();
  const TlsContext client = make_client_context(Trust::kGiven, certificate().chain).value();
  constexpr int kRounds = 500;
  bare_handshake(server.get(), client.get());
  const double before = cpu_micros();
  for (int i = 0; i < kRounds; ++i) bare_handshake(server.get(), client.get());
  return (cpu_micros() - before) / kRounds;
}

void new_connections(benchmark::State& state) {
  const bool tls = state.range(0) != 0;
  const Serving serving;
  const auto client = serving.client(tls);
  asio::io_context io{1};
  burst(io, *client);
  const double floor = floor_micros();
  const double before = cpu_micros();
  for (auto _ : state) burst(io, *client);
  const double cpu = (cpu_micros() - before) / static_cast<double>(state.iterations() * kBurst);
  state.SetItemsProcessed(state.iterations() * kBurst);
  state.counters["cpu_us"] = cpu;
  if (!tls) return;
  state.counters["floor_cpu_us"] = floor;
  state.counters["ratio_to_floor"] = cpu / floor;
}

BENCHMARK(kept)->ArgName("tls")->Arg(0)->Arg(1)->UseRealTime();
BENCHMARK(new_connections)->ArgName("tls")->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gust::http
