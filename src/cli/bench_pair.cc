// gust bench pair: one worker sends to another, each in a pack of its own.
#include "bench/shapes.h"
#include "cli/bench.h"
#include "cli/bench_communication.h"

namespace gust::cli {

void add_bench_pair(CLI::App& group, Chosen& chosen) {
  CLI::App* sub = group.add_subcommand("pair", "Time messages from one worker to another in another pack");
  sub->footer(
      "Example:\n  gust bench pair --payload 1GiB --chunk 64KiB,256KiB,1MiB,4MiB --out results\n"
      "  gust plot pair results/pair-tcp.csv\n\n"
      "Without --endpoint it runs a cluster of its own and ends it. A message is timed from the call of send to the\n"
      "return of recv. "
      "Every message has contents of its own, which its receiver compares; wrong data end the run with exit code 1.\n");
  auto flags = std::make_shared<CommunicationFlags>();
  flags->payload = "256MiB";
  add_communication(*sub, chosen, flags,
                    [](const CommunicationFlags& given) { return bench::pair_shapes(given.payload, given.chunk); });
}

}  // namespace gust::cli
