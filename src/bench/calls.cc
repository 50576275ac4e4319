#include "bench/calls.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "bench/flare_records.h"
#include "http/status.h"

namespace gust::bench {

namespace asio = boost::asio;

namespace {

std::string action_path(const Job& job) { return "/api/v1/namespaces/_/actions/" + job.action; }

// The client's own columns, from the beginning of the job until its end is known.
stats::Record client_record(const Job& job, WallTime created) {
  stats::Record record;
  record.host_job_create_tstamp = to_seconds(created);
  record.func_data_size_bytes = Bytes(job.params.size());
  record.func_module_size_bytes = job.code_size;
  record.host_status_query_count = 1;
  record.host_result_query_count = 1;
  return record;
}

double seconds_since(WallTime then) { return std::chrono::duration<double>(wall_now() - then).count(); }

std::chrono::microseconds micros_since(SteadyTime then) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - then);
}

std::string flare_id_of(const http::Response& response) {
  const auto id = response.header("x-openwhisk-activation-id");
  return std::string(id.value_or(""));
}

// One measured invocation: when its request was sent, and the flare that it became.
struct Call {
  WallTime sent;
  std::string flare_id;
};

Result<std::string> accepted(const Result<http::Response>& response) {
  if (!response) return std::unexpected(response.error());
  if (response->status == 202 && !flare_id_of(*response).empty()) return flare_id_of(*response);
  return std::unexpected(http::error_of(*response).while_doing("an invocation"));
}

// What all lanes of one FaaS run share. They run on one thread.
struct FaasRun {
  asio::io_context& io;
  http::Client& client;
  const Job& job;
  std::uint32_t next = 0;
  std::vector<Call> calls;
  std::optional<Error> error;
};

// Keeps one invocation outstanding until all have been made.
asio::awaitable<void> run_lane(FaasRun& run) {
  while (run.next < run.job.workers && !run.error) {
    Call& call = run.calls[run.next++];
    http::Request request;
    request.method = "POST";
    request.path = action_path(run.job);
    request.body = run.job.params;
    call.sent = wall_now();
    const auto id = accepted(co_await run.client.async_send(run.io, std::move(request), http::ConnectionUse::kNew));
    if (id) {
      call.flare_id = *id;
    } else {
      run.error = id.error();
    }
  }
}

// Adds an ended flare to the outcome: its JSON with all details, and its rows.
Result<void> collect(Observer& observer, const std::string& flare_id, const stats::Record& client, Outcome& outcome) {
  Json flare = GUST_TRY(observer.get("/namespaces/_/flares/" + flare_id, {{"results", "true"}}));
  if (flare.at("state") != "succeeded") {
    return fail(ErrorCode::kCrashed,
                fmt::format("flare {} {}: {}", flare_id, flare.at("state").get<std::string>(),
                            flare.at("cause").is_null() ? "" : flare.at("cause").at("message").get<std::string>()));
  }
  const double done = to_seconds(wall_now());
  for (stats::Record& record : records_of(flare, client)) {
    record.host_result_done_tstamp = done;
    outcome.records.push_back(record);
  }
  outcome.flares.push_back(std::move(flare));
  return {};
}

}  // namespace

Result<Bytes> deploy(Observer& observer, const std::string& action, const std::string& object, Bytes memory,
                     std::chrono::milliseconds timeout) {
  const auto code = read_whole_file(object);
  if (!code) return std::unexpected(code.error().while_doing("the compiled worker (--code)"));
  const Json body = {{"exec", {{"kind", "cpp:default"}, {"binary", true}, {"code", base64_encode(*code)}}},
                     {"limits", {{"memory", memory.in_mb()}, {"timeout", timeout.count()}}}};
  GUST_TRY_VOID(observer.put("/namespaces/_/actions/" + action, dump_json(body)));
  return Bytes(code->size());
}

Result<Outcome> run_burst(const Target& target, Observer& observer, const Job& job, std::uint32_t granularity) {
  Outcome outcome;
  const auto client = GUST_TRY(http::Client::create(target.endpoint, target.options));
  const auto cpu_before = GUST_TRY(observer.controller_cpu());
  const SteadyTime watched_from = std::chrono::steady_clock::now();
  const WallTime created = wall_now();
  stats::Record record = client_record(job, created);
  http::Request request;
  request.method = "POST";
  request.path = action_path(job);
  request.query = job.query;
  request.query.insert({{"burst", "true"}, {"granularity", std::to_string(granularity)}});
  request.body = R"({"value":[)";
  for (std::uint32_t w = 0; w < job.workers; ++w) request.body += (w == 0 ? "" : ",") + job.params;
  request.body += "]}";
  record.host_job_serialize_time = seconds_since(created);
  record.host_job_created_time = record.host_job_serialize_time;
  record.host_submit_tstamp = to_seconds(wall_now());
  const http::Response response = GUST_TRY(client->send(std::move(request)));
  if (response.status != 202) return std::unexpected(http::error_of(response).while_doing("the flare"));
  const Json ticket = GUST_TRY(parse_json(response.body, "the controller's answer"));
  const auto flare_id = ticket.at("flareId").get<std::string>();
  GUST_TRY(observer.wait_for(flare_id));
  record.host_status_done_tstamp = to_seconds(wall_now());
  outcome.controller_cpu = GUST_TRY(observer.controller_cpu()) - cpu_before;
  outcome.watched = micros_since(watched_from);
  GUST_TRY_VOID(collect(observer, flare_id, record, outcome));
  return outcome;
}

Result<Outcome> run_faas(const Target& target, Observer& observer, const Job& job, std::uint32_t outstanding) {
  Outcome outcome;
  const auto client = GUST_TRY(http::Client::create(target.endpoint, target.options));
  const auto cpu_before = GUST_TRY(observer.controller_cpu());
  const SteadyTime watched_from = std::chrono::steady_clock::now();
  asio::io_context io(1);
  FaasRun run{.io = io, .client = *client, .job = job, .next = 0, .calls = {}, .error = {}};
  run.calls.resize(job.workers);
  const WallTime created = wall_now();
  for (std::uint32_t lane = 0; lane < outstanding; ++lane) {
    asio::co_spawn(io, run_lane(run), [&run](std::exception_ptr thrown) {
      if (thrown) run.error = Error{ErrorCode::kInternal, "a lane of invocations broke off"};
    });
  }
  io.run();
  if (run.error) return std::unexpected(*run.error);

  std::vector<double> ended;
  for (const Call& call : run.calls) {
    GUST_TRY(observer.wait_for(call.flare_id));
    ended.push_back(to_seconds(wall_now()));
  }
  outcome.controller_cpu = GUST_TRY(observer.controller_cpu()) - cpu_before;
  outcome.watched = micros_since(watched_from);
  for (std::uint32_t w = 0; w < job.workers; ++w) {
    stats::Record record = client_record(job, created);
    record.host_submit_tstamp = to_seconds(run.calls[w].sent);
    record.host_status_done_tstamp = ended[w];
    GUST_TRY_VOID(collect(observer, run.calls[w].flare_id, record, outcome));
    // Each invocation is a flare of its own; in the file they are the workers of one job.
    outcome.records.back().worker_id = WorkerId(w);
    outcome.records.back().pack_id = PackId(w);
  }
  return outcome;
}

}  // namespace gust::bench
