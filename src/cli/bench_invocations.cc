// gust bench invocations: how many small invocations a second.
#include <fmt/format.h>

#include "bench/invocations.h"
#include "cli/bench.h"
#include "cli/exit_code.h"
#include "cli/positive.h"
#include "cli/progress.h"

namespace gust::cli {

namespace {

constexpr std::uint32_t kSlotsOfEachClient = 4;  // one runs, others are ending or were counted as such

struct InvocationsRequest {
  bench::ClusterShape cluster;
  double seconds = 5;
  bench::InvocationsOptions invocations;
  bool json = false;
};

void print_table(const std::vector<bench::InvocationsRun>& runs) {
  fmt::print(
      "Small blocking invocations of {} clients, each over one kept connection\n{:>4} {:>10} {:>9} {:>9} {:>16} "
      "{:>6} {:>12}\n",
      runs.front().clients, "run", "a second", "p50 ms", "p99 ms", "floor a second", "ratio", "clients' CPU");
  std::size_t number = 0;
  for (const bench::InvocationsRun& run : runs) {
    fmt::print("{:>4} {:>10.0f} {:>9.2f} {:>9.2f} {:>16.0f} {:>6.2f} {:>11.0f}%\n", ++number, run.per_second,
               run.p50 * 1e3, run.p99 * 1e3, run.floor_per_second, run.floor_ratio, run.client_cpu_share * 100);
  }
}

Result<ExitCode> run_invocations(const InvocationsRequest& wanted) {
  bench::InvocationsOptions options = wanted.invocations;
  options.length = std::chrono::duration<double>(wanted.seconds);
  options.pack_binary = beside_us("gust-pack").string();
  if (options.worker_object.empty()) options.worker_object = worker_object("hello");
  bench::ClusterShape shape = wanted.cluster;
  shape.invokers = 1;
  shape.slots = kSlotsOfEachClient * options.clients;
  options.namespaces = floor_namespaces(shape.driver);
  const auto cluster = GUST_TRY(bench::Cluster::start(shape));
  ProgressBar bar;
  const auto runs = GUST_TRY(bench::run_invocations(
      cluster->target(), options, [&bar](std::string_view stage, std::uint32_t done, std::uint32_t of) {
        bar.show("measuring", done, of, stage);
      }));
  bar.clear();
  if (!wanted.json) {
    print_table(runs);
    return kExitOk;
  }
  Json list = Json::array();
  for (const bench::InvocationsRun& run : runs) list.push_back(bench::to_json(run));
  fmt::print("{}\n", list.dump(2));
  return kExitOk;
}

}  // namespace

void add_bench_invocations(CLI::App& group, Chosen& chosen) {
  CLI::App* sub =
      group.add_subcommand("invocations", "Invoke a small C++ action again and again, and count the answers");
  sub->footer(
      "Example:\n  gust bench invocations --driver process --clients 8\n\n"
      "It runs a cluster of its own with one invoker, and ends it. An invocation is a container of its own; the floor\n"
      "(gust bench floor), measured after each run, is how many of one worker the bare calls create a second.");
  auto wanted = std::make_shared<InvocationsRequest>();
  sub->add_option("--clients", wanted->invocations.clients, "Clients that ask at the same time")
      ->capture_default_str()
      ->check(positive());
  sub->add_option("--seconds", wanted->seconds, "Length of a run")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  sub->add_option("--repeat", wanted->invocations.repeat, "Runs")->capture_default_str()->check(positive());
  sub->add_option("--driver", wanted->cluster.driver, "Container driver")->capture_default_str();
  sub->add_option("--prewarm", wanted->cluster.prewarm, "Empty containers that are kept ready")->capture_default_str();
  add_pack_start(*sub, wanted->cluster);
  sub->add_option("--code", wanted->invocations.worker_object, "The compiled worker; default: examples/hello.cc's");
  sub->add_flag("--json", wanted->json, "Print JSON: one object a run, times in seconds");
  sub->callback([&chosen, wanted] {
    chosen.run = [wanted] {
      const Result<ExitCode> code = run_invocations(*wanted);
      return code ? static_cast<int>(*code) : report(code.error().while_doing("bench invocations"));
    };
  });
}

}  // namespace gust::cli
