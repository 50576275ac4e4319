#include "cli/bench_communication.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>
#include <utility>

#include "bench/cluster.h"
#include "cli/api_client.h"
#include "cli/bench.h"
#include "cli/exit_code.h"
#include "cli/positive.h"
#include "cli/progress.h"
#include "stats/text_table.h"

namespace gust::cli {

namespace {

// As many slots and as much memory as the largest burst needs, its packs dealt out evenly.
bench::ClusterShape cluster_for(const bench::ClusterShape& asked, const std::vector<bench::Shape>& shapes) {
  bench::ClusterShape cluster = asked;
  for (const bench::Shape& shape : shapes) {
    const std::uint32_t packs = (shape.packs() + cluster.invokers - 1) / cluster.invokers;
    cluster.slots = std::max(cluster.slots, packs * std::min(shape.granularity, shape.workers));
    cluster.memory = std::max(cluster.memory, bench::memory_of(shape) * packs);
  }
  return cluster;
}

void print_table(const std::vector<bench::CommunicationRun>& runs) {
  std::vector<std::vector<std::string>> rows;
  const auto ms = [](double seconds) { return fmt::format("{:.3f}", seconds * 1e3); };
  for (const bench::CommunicationRun& run : runs) {
    const stats::Transfer& transfer = run.transfers.at(0);
    rows.push_back({transfer.operation, transfer.backend, std::to_string(transfer.workers),
                    std::to_string(transfer.granularity), std::to_string(run.shape.packs()),
                    to_string(transfer.payload_bytes), to_string(transfer.chunk_bytes), std::to_string(transfer.run),
                    ms(run.seconds.min), ms(run.seconds.p50), ms(run.seconds.p99), ms(run.seconds.iqr),
                    run.mib_per_second > 0 ? fmt::format("{:.1f}", run.mib_per_second) : "-"});
  }
  fmt::print("Milliseconds of {} iterations, from the first worker that began to the last that ended\n{}",
             runs.at(0).transfers.size(),
             stats::format_table({"operation", "backend", "workers", "granularity", "packs", "payload", "chunk", "run",
                                  "min", "p50", "p99", "iqr", "MiB/s"},
                                 rows, 2));
}

Result<ExitCode> run(const CommunicationFlags& flags, const std::vector<bench::Shape>& shapes,
                     const std::optional<Config>& elsewhere) {
  bench::CommunicationOptions options = flags.measuring;
  options.out = flags.out;
  if (options.worker_object.empty()) options.worker_object = worker_object("communicate");
  std::unique_ptr<bench::Cluster> own;
  bench::Target target;
  if (elsewhere) {
    target = {GUST_TRY(http::parse_endpoint(elsewhere->endpoint)), GUST_TRY(client_options(*elsewhere))};
  } else {
    own = GUST_TRY(bench::Cluster::start(cluster_for(flags.cluster, shapes)));
    target = own->target();
  }
  ProgressBar bar;
  const auto runs = GUST_TRY(bench::run_communication(
      target, options, shapes, [&bar](std::string_view stage, std::uint32_t done, std::uint32_t of) {
        bar.show("measuring", done, of, stage);
      }));
  bar.clear();
  if (flags.json) {
    Json list = Json::array();
    for (const bench::CommunicationRun& run : runs) list.push_back(bench::to_json(run));
    fmt::print("{}\n", list.dump(2));
    return kExitOk;
  }
  print_table(runs);
  if (!flags.out.empty()) fmt::print("result files in {}\n", flags.out);
  return kExitOk;
}

}  // namespace

void add_communication(CLI::App& sub, Chosen& chosen, const std::shared_ptr<CommunicationFlags>& flags,
                       std::function<Result<std::vector<bench::Shape>>(const CommunicationFlags&)> shapes) {
  auto options = std::make_shared<Options>(sub);
  options->add_client();
  sub.add_option("--payload", flags->payload, "Bytes of a message, several with commas: 64KiB,1MiB")
      ->capture_default_str();
  sub.add_option("--chunk", flags->chunk, "Pieces in which a message travels, several with commas; whole KiB");
  sub.add_option("--backend", flags->measuring.backend,
                 "What carries messages between packs: tcp, redis-list, redis-stream, rabbitmq, s3")
      ->capture_default_str();
  for (const auto& [flag, variable] :
       {std::pair("--redis", "GUST_REDIS"), {"--rabbitmq", "GUST_RABBITMQ"}, {"--s3", "GUST_S3"}}) {
    sub.add_option_function<std::string>(
           flag,
           [flags, name = std::string(variable)](const std::string& uri) {
             flags->cluster.environment.push_back(name + "=" + uri);
           },
           fmt::format("URI of the server of that backend, for the cluster of its own [{}]", variable))
        ->excludes("--endpoint");
  }
  sub.add_option("--invokers", flags->cluster.invokers, "Invokers of the cluster of its own")
      ->capture_default_str()
      ->check(positive());
  sub.add_option("--driver", flags->cluster.driver, "Their container driver")->capture_default_str();
  sub.add_option("--iterations", flags->measuring.iterations, "Iterations that are measured")
      ->capture_default_str()
      ->check(positive());
  sub.add_option("--warm-up", flags->measuring.warm_up, "Iterations before them that are not")->capture_default_str();
  sub.add_option("--repeat", flags->measuring.repeat, "Flares of each shape")->capture_default_str()->check(positive());
  sub.add_option("--code", flags->measuring.worker_object,
                 "The compiled worker; default: the one that comes with gust");
  sub.add_option("--out", flags->out, "Folder for result files, one for each operation and backend");
  sub.add_flag("--json", flags->json, "Print JSON: one object a flare, times in seconds");
  sub.callback([&chosen, &sub, options, flags, shapes = std::move(shapes)] {
    const bool elsewhere = sub.count("--endpoint") > 0;
    chosen.run = [name = sub.get_name(), options, flags, shapes, elsewhere] {
      const auto wanted = shapes(*flags);
      if (!wanted) return report(wanted.error().while_doing("bench " + name));
      std::optional<Config> config;
      if (elsewhere) {
        auto loaded = options->load();
        if (!loaded) return report(loaded.error());
        config = *loaded;
      }
      const Result<ExitCode> code = run(*flags, *wanted, config);
      return code ? static_cast<int>(*code) : report(code.error().while_doing("bench " + name));
    };
  });
}

}  // namespace gust::cli
