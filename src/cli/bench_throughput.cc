// gust bench throughput: what two packs carry together, by the size of the burst.
#include "bench/shapes.h"
#include "cli/bench.h"
#include "cli/bench_communication.h"

namespace gust::cli {

void add_bench_throughput(CLI::App& group, Chosen& chosen) {
  CLI::App* sub =
      group.add_subcommand("throughput", "Time pairs of workers that send at once from one pack to another");
  sub->footer(
      "Example:\n  gust bench throughput --workers 2,4,8,16,32 --payload 16MiB --out results\n"
      "  gust plot throughput results/throughput-tcp.csv\n\n"
      "Each worker of the first half of the burst, which is one pack, sends to one of the second. MiB/s are those of "
      "all\n"
      "pairs together. "
      "Every message has contents of its own, which its receiver compares; wrong data end the run with exit code 1.\n");
  auto flags = std::make_shared<CommunicationFlags>();
  auto workers = std::make_shared<std::string>("2,4,8,16,32,48");
  flags->payload = "16MiB";
  sub->add_option("--workers", *workers, "Burst sizes, with commas; even numbers")->capture_default_str();
  add_communication(*sub, chosen, flags, [workers](const CommunicationFlags& given) {
    return bench::throughput_shapes(*workers, given.payload, given.chunk);
  });
}

}  // namespace gust::cli
