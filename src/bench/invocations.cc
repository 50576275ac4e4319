#include "bench/invocations.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "bench/calls.h"
#include "http/status.h"
#include "stats/quantiles.h"

namespace gust::bench {

namespace asio = boost::asio;

namespace {

constexpr const char* kSmallAction = "gust-bench-small";
constexpr std::chrono::duration<double> kWarmUp{1};
constexpr std::uint32_t kFloorWorkers = 960;

// What all clients share. They run on one thread.
struct Crowd {
  asio::io_context& io;
  http::Client& client;
  SteadyTime end;
  std::vector<double> latencies;
  std::optional<Error> error;
};

asio::awaitable<void> ask_again_and_again(Crowd& crowd) {
  while (!crowd.error && std::chrono::steady_clock::now() < crowd.end) {
    http::Request request;
    request.method = "POST";
    request.path = std::string("/api/v1/namespaces/_/actions/") + kSmallAction;
    request.query = {{"blocking", "true"}, {"result", "true"}};
    request.body = "{}";
    const SteadyTime asked = std::chrono::steady_clock::now();
    const auto answer = co_await crowd.client.async_send(crowd.io, std::move(request), http::ConnectionUse::kKept);
    if (!answer) {
      crowd.error = answer.error();
    } else if (answer->status != 200) {
      crowd.error = http::error_of(*answer).while_doing("an invocation");
    } else {
      crowd.latencies.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count());
    }
  }
}

Result<InvocationsRun> measure_answers(const Target& target, std::uint32_t clients,
                                       std::chrono::duration<double> length) {
  const auto client = GUST_TRY(http::Client::create(target.endpoint, target.options));
  asio::io_context io(1);
  const SteadyTime began = std::chrono::steady_clock::now();
  const auto cpu_before = process_cpu();
  Crowd crowd{.io = io,
              .client = *client,
              .end = began + std::chrono::duration_cast<std::chrono::steady_clock::duration>(length),
              .latencies = {},
              .error = {}};
  for (std::uint32_t i = 0; i < clients; ++i) {
    asio::co_spawn(io, ask_again_and_again(crowd), [&crowd](std::exception_ptr thrown) {
      if (thrown) crowd.error = Error{ErrorCode::kInternal, "a client broke off"};
    });
  }
  io.run();
  if (crowd.error) return std::unexpected(*crowd.error);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const std::chrono::duration<double> cpu = process_cpu() - cpu_before;
  const stats::Summary latency = stats::summarize(crowd.latencies);
  return InvocationsRun{.answered = crowd.latencies.size(),
                        .per_second = static_cast<double>(crowd.latencies.size()) / took.count(),
                        .p50 = latency.p50,
                        .p99 = latency.p99,
                        .client_cpu_share = cpu / took / std::max(1U, std::thread::hardware_concurrency()),
                        .clients = clients};
}

}  // namespace

Result<std::vector<InvocationsRun>> run_invocations(const Target& target, const InvocationsOptions& options,
                                                    const Say& say) {
  say("warming up", 0, options.repeat);
  Observer observer = GUST_TRY(Observer::create(target));
  GUST_TRY(deploy(observer, kSmallAction, options.worker_object, Bytes::mb(256), std::chrono::minutes(1)));
  GUST_TRY(measure_answers(target, options.clients, kWarmUp));
  std::vector<InvocationsRun> runs;
  while (runs.size() < options.repeat) {
    const auto done = static_cast<std::uint32_t>(runs.size());
    say(fmt::format("run {}", done + 1), done, options.repeat);
    InvocationsRun run = GUST_TRY(measure_answers(target, options.clients, options.length));
    const std::vector<double> floor = GUST_TRY(measure_floor(
        {.workers = kFloorWorkers, .granularity = 1, .namespaces = options.namespaces}, options.pack_binary));
    run.floor_per_second = kFloorWorkers / std::ranges::max(floor);
    run.floor_ratio = run.floor_per_second / run.per_second;
    runs.push_back(run);
  }
  return runs;
}

Json to_json(const InvocationsRun& run) {
  return {{"clients", run.clients},
          {"answered", run.answered},
          {"per_second", run.per_second},
          {"p50", run.p50},
          {"p99", run.p99},
          {"floor_per_second", run.floor_per_second},
          {"floor_ratio", run.floor_ratio},
          {"client_cpu_share", run.client_cpu_share}};
}

}  // namespace gust::bench
