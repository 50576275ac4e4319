// gust flare: starts a burst of an action, and watches it.
#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <optional>

#include "base/clock.h"
#include "base/files.h"
#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/positive.h"
#include "cli/progress.h"
#include "http/server.h"
#include "http/target.h"

namespace gust::cli {

namespace {

struct FlareRequest {
  std::string action;
  std::uint32_t workers = 0;
  std::string param = "{}";
  std::string params_file;
  std::uint32_t granularity = 0;
  bool join = false;
  std::string backend;
  std::uint32_t chunk_kilobytes = 0;
  std::optional<std::int32_t> priority;
  std::uint32_t retries = 0;
  bool wait = false;
  bool json = false;
};

// Refused here because a number with some zeros too many would fill this machine's memory first.
Result<void> check_size(std::uint64_t workers, Bytes each) {
  const Bytes most = http::ServerOptions{}.body_limit;
  const std::uint64_t fit = most.count() / each.count();
  if (workers <= fit) return {};
  return fail(
      ErrorCode::kTooLarge,
      fmt::format("the parameters of {} workers, {} each, are more than a request's {}: at most {} workers fit; "
                  "use fewer workers, or let them read what is large from elsewhere",
                  workers, to_string(each), to_string(most), fit));
}

Result<std::string> same_params(const FlareRequest& wanted) {
  GUST_TRY(parse_json(wanted.param, "--param"));
  GUST_TRY_VOID(check_size(wanted.workers, Bytes(wanted.param.size() + 1)));
  std::string body = R"({"value":[)";
  for (std::uint32_t w = 0; w < wanted.workers; ++w) body += (w == 0 ? "" : ",") + wanted.param;
  return body + "]}";
}

Result<std::string> read_params(const FlareRequest& wanted) {
  if (wanted.params_file.empty()) return same_params(wanted);
  const bool is_stdin = wanted.params_file == "-";
  const std::string name = is_stdin ? "standard input" : wanted.params_file;
  const std::string text = is_stdin ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                                    : GUST_TRY(read_whole_file(wanted.params_file));
  const Json params = GUST_TRY(parse_json(text, name));
  if (!params.is_array() || params.empty()) {
    return fail(ErrorCode::kInvalid, fmt::format("{} must hold a JSON array with one entry for each worker", name));
  }
  return fmt::format(R"({{"value":{}}})", text);
}

std::string flare_path(const std::string& id) { return "/namespaces/_/flares/" + id; }

// Follows the flare to its end; Ctrl-C cancels it.
Result<Json> watch(ApiClient& api, const std::string& id) {
  ProgressBar bar;
  const Interrupt interrupt;
  for (;;) {
    // Short waits keep the bar lively; the server answers at once when the flare ends.
    const Json flare = GUST_TRY(api.get(flare_path(id), {{"detail", "summary"}, {"wait", "0.1"}}));
    const auto state = flare.at("state").get<std::string>();
    if (!flare.at("stamps").at("ended").is_null()) break;
    const auto count = [&](const char* name) { return flare.at("counts").at(name).get<std::uint64_t>(); };
    const auto size = flare.at("burst_size").get<std::uint64_t>();
    const bool finishing = count("started") == size;
    std::string note = finishing ? "finished" : "started";
    if (state == "queued") {
      note = fmt::format("place {} in the queue: {}", flare.at("queue").at("position").get<std::uint64_t>(),
                         flare.at("queue").at("reason").get<std::string>());
    }
    bar.show(state, finishing ? count("finished") : count("started"), size, note);
    if (interrupt.happened()) {
      bar.clear();
      GUST_TRY(api.remove(flare_path(id)));
      break;
    }
  }
  return api.get(flare_path(id), {{"detail", "full"}, {"results", "true"}});
}

void print_results(const Json& workers) {
  constexpr std::size_t kShown = 8;
  std::size_t shown = 0;
  for (const Json& worker : workers) {
    if (shown++ == kShown) break;
    fmt::print("worker {}: {}\n", worker.at("worker").get<std::uint64_t>(), dump_json(worker.value("result", Json())));
  }
  if (workers.size() > kShown) fmt::print("… and {} more (--json prints all)\n", workers.size() - kShown);
}

void print_summary(const Json& flare) {
  const double received = flare.at("stamps").at("received").get<double>();
  double last_start = 0;
  for (const Json& worker : flare.at("workers")) {
    if (!worker.at("started").is_null())
      last_start = std::max(last_start, worker.at("started").get<double>() - received);
  }
  fmt::print("flare {}: {}\n", flare.at("id").get<std::string>(), flare.at("state").get<std::string>());
  fmt::print("{} workers in {} packs, all started {:.1f} ms after the request, ended after {:.1f} ms\n",
             flare.at("burst_size").get<std::uint64_t>(), flare.at("packs").size(), last_start * 1e3,
             (flare.at("stamps").at("ended").get<double>() - received) * 1e3);
}

Result<ExitCode> judge(const Json& flare) {
  const auto state = flare.at("state").get<std::string>();
  if (state != "succeeded") {
    const auto message = flare.at("cause").at("message").get<std::string>();
    const ErrorCode code = state == "cancelled"   ? ErrorCode::kCancelled
                           : state == "timed_out" ? ErrorCode::kTimedOut
                                                  : ErrorCode::kCrashed;
    return fail(code, fmt::format("flare {} {}: {}", flare.at("id").get<std::string>(), state, message));
  }
  const auto errors = flare.at("counts").at("errors").get<std::uint64_t>();
  if (errors != 0) return fail(ErrorCode::kUnknown, fmt::format("{} workers returned an error", errors));
  return kExitOk;
}

Result<ExitCode> run_flare(ApiClient& api, const FlareRequest& wanted) {
  ApiClient::Query query = {{"burst", "true"}};
  if (wanted.granularity != 0) query["granularity"] = std::to_string(wanted.granularity);
  if (wanted.join) query["join"] = "true";
  if (!wanted.backend.empty()) query["backend"] = wanted.backend;
  if (wanted.chunk_kilobytes != 0) query["chunk_size"] = std::to_string(wanted.chunk_kilobytes);
  if (wanted.priority) query["priority"] = std::to_string(*wanted.priority);
  if (wanted.retries != 0) query["retries"] = std::to_string(wanted.retries);
  std::string body = GUST_TRY(read_params(wanted));
  const Json ticket = GUST_TRY(
      api.post("/namespaces/_/actions/" + http::percent_encode(wanted.action), std::move(query), std::move(body)));
  const auto id = ticket.at("flareId").get<std::string>();
  if (!wanted.wait) {
    if (wanted.json) {
      fmt::print("{}\n", ticket.dump(2));
    } else {
      fmt::print("flare {} with {} activations; gust activation result ID gives a result once it has ended\n", id,
                 ticket.at("activationIds").size());
      for (const Json& activation : ticket.at("activationIds")) fmt::print("{}\n", activation.get<std::string>());
    }
    return kExitOk;
  }
  const Json flare = GUST_TRY(watch(api, id));
  if (wanted.json) {
    fmt::print("{}\n", flare.dump(2));
  } else if (flare.at("state") == "succeeded") {
    print_results(flare.at("workers"));
    print_summary(flare);
  }
  return judge(flare);
}

}  // namespace

void add_flare(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("flare", "Start a burst of an action: all of its workers at once");
  sub->footer(
      "Examples:\n"
      "  gust flare hello --workers 960 --granularity 48 --wait\n"
      "  echo '[{\"part\": 0}, {\"part\": 1}]' | gust flare hello --params - --wait --json\n\n"
      "Without --granularity each invoker gets one pack as large as what is free there; with it packs have that size;\n"
      "with --join packs that land on one invoker are joined. With --wait, Ctrl-C cancels the flare.");
  auto wanted = std::make_shared<FlareRequest>();
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  sub->add_option("action", wanted->action, "The action's name")->required();
  auto* workers =
      sub->add_option("--workers", wanted->workers, "Workers, each with the same parameters")->check(positive());
  auto* param = sub->add_option("--param", wanted->param, "Those parameters, as JSON")->capture_default_str();
  auto* params = sub->add_option("--params", wanted->params_file,
                                 "File with a JSON array: one entry for each worker; - for standard input");
  workers->excludes(params);
  param->excludes(params);
  sub->add_option("--granularity", wanted->granularity, "Workers a pack")->check(positive());
  sub->add_flag("--join", wanted->join, "Join the packs that land on one invoker");
  sub->add_option("--backend", wanted->backend,
                  "What carries messages between packs: tcp (default), redis-list, redis-stream, rabbitmq, s3");
  sub->add_option("--chunk-size", wanted->chunk_kilobytes, "The largest piece in which they travel, in KB (1024)")
      ->check(positive());
  sub->add_option("--priority", wanted->priority, "Rank among those of its namespace that wait, -10 to 10 (0)");
  sub->add_option("--retries", wanted->retries, "Times that it starts again when an invoker or a pack is lost");
  sub->add_flag("--wait", wanted->wait, "Wait for the end, and print it");
  sub->add_flag("--json", wanted->json, "Print JSON");
  sub->callback([&chosen, options, wanted] {
    if (wanted->workers == 0 && wanted->params_file.empty()) {
      throw CLI::RequiredError("one of --workers and --params");
    }
    chosen.run = [options, wanted] {
      return with_api(*options, [&](ApiClient& api) { return run_flare(api, *wanted); });
    };
  });
}

}  // namespace gust::cli
