// gust simulate: what the scheduler does with a trace of arrivals, or did in a recorded run; no cluster is needed.
#include <chrono>
#include <fmt/format.h>
#include <fstream>

#include "base/files.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "cli/positive.h"
#include "scheduler/journal.h"
#include "simulation/simulator.h"
#include "stats/text_table.h"

namespace gust::cli {

namespace {

struct SimulationRequest {
  std::string arrivals;
  std::string replay;
  std::string trace;
  std::string pattern = "poisson";
  std::string memory;
  simulation::Generator generator;
  simulation::Cluster cluster;
  double limit_seconds = 0;
  bool json = false;
};

Result<std::ofstream> open_output(const std::string& path) {
  std::ofstream file(path, std::ios::trunc);
  if (file) return file;
  return fail(ErrorCode::kInvalid, fmt::format("cannot write {}; give a file in a folder that exists", path));
}

Json to_json(const simulation::Report& report, double took) {
  Json namespaces = Json::object();
  for (const auto& [name, each] : report.namespaces) {
    namespaces[name] = {{"flares", each.flares},
                        {"slot_seconds", each.slot_seconds},
                        {"mean_wait", each.mean_wait},
                        {"mean_stretch", each.mean_stretch}};
  }
  return {{"flares", report.flares},
          {"started", report.started},
          {"waited", report.waited},
          {"overtook", report.overtook},
          {"refused", report.refused},
          {"longest_queue", report.longest_queue},
          {"span", report.span},
          {"utilisation", report.utilisation},
          {"wait",
           {{"p50", report.wait.p50}, {"p90", report.wait.p90}, {"p99", report.wait.p99}, {"max", report.wait.max}}},
          {"jain", report.jain},
          {"namespaces", std::move(namespaces)},
          {"took", took}};
}

void print(const simulation::Report& report, double took) {
  std::size_t refused = 0;
  for (const auto& [code, count] : report.refused) refused += count;
  fmt::print("{} flares in {:.1f} s: {} started, {} of them after waiting, {} past an older one; {} refused\n",
             report.flares, report.span, report.started, report.waited, report.overtook, refused);
  for (const auto& [code, count] : report.refused) fmt::print("  refused as {}: {}\n", code, count);
  fmt::print("utilisation {:.1f} %, longest queue {}, fairness (Jain, of mean stretch) {:.3f}\n",
             report.utilisation * 100, report.longest_queue, report.jain);
  fmt::print("waiting: p50 {:.3f} s, p90 {:.3f} s, p99 {:.3f} s, max {:.3f} s\n\n", report.wait.p50, report.wait.p90,
             report.wait.p99, report.wait.max);
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, each] : report.namespaces) {
    rows.push_back({name, std::to_string(each.flares), fmt::format("{:.0f}", each.slot_seconds),
                    fmt::format("{:.3f}", each.mean_wait), fmt::format("{:.2f}", each.mean_stretch)});
  }
  fmt::print("{}",
             stats::format_table({"namespace", "flares", "slot seconds", "mean wait s", "mean stretch"}, rows, 1));
  fmt::print("\nsimulated in {:.2f} s: {:.0f} flares a second\n", took,
             static_cast<double>(report.flares) / std::max(took, 1e-6));
}

Result<ExitCode> run_replay(const SimulationRequest& wanted) {
  std::ifstream file(wanted.replay);
  if (!file) return fail(ErrorCode::kNotFound, fmt::format("cannot read {}", wanted.replay));
  const auto found = GUST_TRY(scheduler::replay(file));
  if (wanted.json) {
    fmt::print("{}\n", dump_json({{"calls", found.calls},
                                  {"starts", found.starts},
                                  {"waited", found.waited},
                                  {"refused", found.refused},
                                  {"same", true}}));
  } else {
    fmt::print("{} calls, {} flares started ({} of them after waiting), {} refused: all decided as recorded\n",
               found.calls, found.starts, found.waited, found.refused);
  }
  return kExitOk;
}

Result<std::vector<simulation::Arrival>> arrivals_of(const SimulationRequest& wanted) {
  if (wanted.arrivals.empty()) return simulation::generate(wanted.generator);
  return simulation::read_arrivals(GUST_TRY(read_whole_file(wanted.arrivals)), wanted.arrivals);
}

Result<ExitCode> run_simulate(const Config& config, SimulationRequest wanted) {
  if (!wanted.replay.empty()) return run_replay(wanted);
  const std::uint64_t slots = std::uint64_t{wanted.cluster.invokers} * wanted.cluster.slots;
  wanted.cluster.memory = wanted.memory.empty() ? Bytes(Bytes::mb(256).count() * wanted.cluster.slots)
                                                : GUST_TRY(parse_bytes(wanted.memory));
  auto& generator = wanted.generator;
  if (!(generator.load > 0 && generator.load <= 100)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("--load {} is not a part of the cluster's work above 0 (1 is all of it)", generator.load));
  }
  if (!(generator.mean_runtime_seconds > 0 && wanted.limit_seconds >= 0)) {
    return fail(ErrorCode::kInvalid, "--runtime and --limit are seconds above 0");
  }
  generator.slots = slots;
  generator.pattern = wanted.pattern == "bursty" ? simulation::Pattern::kBursty : simulation::Pattern::kPoisson;
  generator.limit = std::chrono::microseconds(static_cast<std::int64_t>(wanted.limit_seconds * 1e6));
  const auto arrivals = GUST_TRY(arrivals_of(wanted));

  std::ofstream trace;
  scheduler::Journal::Sink sink;
  if (!wanted.trace.empty()) {
    trace = GUST_TRY(open_output(wanted.trace));
    sink = [&trace](std::string_view line) { trace << line << '\n'; };
  }
  const auto began = std::chrono::steady_clock::now();
  const auto report = GUST_TRY(simulation::simulate(wanted.cluster, policy_of(config), arrivals, std::move(sink)));
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (trace.is_open() && !trace.flush()) return fail(ErrorCode::kInternal, "cannot write " + wanted.trace);
  wanted.json ? fmt::print("{}\n", to_json(report, took).dump(2)) : print(report, took);
  return kExitOk;
}

}  // namespace

void add_simulate(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("simulate", "Try the scheduler on a trace of arrivals, without a cluster");
  sub->footer(
      "Arrivals are generated, or read from a CSV file with the columns at_s, workers and runtime_s, and, where "
      "wanted,\n"
      "namespace, granularity, memory_mb, limit_s and priority. --replay takes what gust controller --record wrote, "
      "or\n"
      "--trace here, decides anew, and fails where a decision is another one.\n\n"
      "Examples:\n"
      "  gust simulate --invokers 20 --slots 48 --load 1.1 --pattern bursty --weights ns-0=2\n"
      "  gust simulate --arrivals monday.csv --invokers 200 --json\n"
      "  gust simulate --replay decisions.jsonl");
  auto wanted = std::make_shared<SimulationRequest>();
  auto options = std::make_shared<Options>(*sub);
  options->add("--queue-limit", "queue_limit")
      .add("--quotas", "quotas")
      .add("--weights", "weights")
      .add("--ageing", "ageing")
      .add("--half-life", "half_life");
  auto& generator = wanted->generator;
  auto* arrivals = sub->add_option("--arrivals", wanted->arrivals, "CSV file of the flares");
  sub->add_option("--invokers", wanted->cluster.invokers, "Invokers")->capture_default_str()->check(positive());
  sub->add_option("--slots", wanted->cluster.slots, "Slots of each")->capture_default_str()->check(positive());
  sub->add_option("--memory", wanted->memory, "Memory of each; 256 MB a slot when not given");
  sub->add_option("--flares", generator.flares, "Flares to generate")->capture_default_str()->check(positive());
  sub->add_option("--pattern", wanted->pattern, "poisson, or bursty: about twenty at once")
      ->capture_default_str()
      ->check(CLI::IsMember({"poisson", "bursty"}));
  sub->add_option("--seed", generator.seed, "The same seed, the same flares")->capture_default_str();
  sub->add_option("--load", generator.load, "Work that arrives, as a part of what the slots can do")
      ->capture_default_str();
  sub->add_option("--namespaces", generator.namespaces, "ns-0, ns-1, …: each half as busy as the one before")
      ->capture_default_str()
      ->check(positive());
  sub->add_option("--most-workers", generator.most_workers, "Sizes are log-uniform from 1 to this")
      ->capture_default_str()
      ->check(positive());
  sub->add_option("--granularity", generator.granularity, "Workers a pack; as many as fit when not given")
      ->check(positive());
  sub->add_option("--runtime", generator.mean_runtime_seconds, "Mean run time in seconds")->capture_default_str();
  sub->add_option("--limit", wanted->limit_seconds,
                  "Time limit of all in seconds; of each 1 to 5 times its run time when not given");
  sub->add_option("--trace", wanted->trace, "File in which every decision is written, a JSON object a line");
  sub->add_option("--replay", wanted->replay, "Decide again what is written in this file")->excludes(arrivals);
  sub->add_flag("--json", wanted->json, "Print JSON; times in seconds");
  sub->callback([&chosen, options, wanted] {
    chosen.run = [options, wanted] {
      const auto config = options->load();
      if (!config) return report(config.error());
      const Result<ExitCode> code = run_simulate(*config, *wanted);
      return code ? static_cast<int>(*code) : report(code.error());
    };
  });
}

}  // namespace gust::cli
