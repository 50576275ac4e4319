// gust bench collective: operations of all workers, by burst size, granularity and payload.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/shapes.h"
#include "cli/bench.h"
#include "cli/bench_communication.h"

namespace gust::cli {

void add_bench_collective(CLI::App& group, Chosen& chosen) {
  CLI::App* sub = group.add_subcommand("collective", "Time operations of all workers");
  sub->footer(
      "Example:\n  gust bench collective --collective broadcast,all-to-all --workers 48 --granularity 1,6,48 --out "
      "results\n  gust plot collective results/broadcast-tcp.csv\n\n"
      "The payload is what the root gives (broadcast), what each worker brings (reduce, all-reduce, gather) or gets\n"
      "(scatter), and what each sends to each (all-to-all). The root is worker 0. Reductions add numbers of 8 bytes.\n"
      "Every message has contents of its own, which its receiver compares; wrong data end the run with exit code 1.\n");
  struct Sizes {
    std::string names = "all";
    std::string workers = "48";
    std::string granularities = "1,6,24,48";
  };
  auto flags = std::make_shared<CommunicationFlags>();
  auto sizes = std::make_shared<Sizes>();
  flags->payload = "1MiB";
  sub->add_option("--collective", sizes->names,
                  fmt::format("Which, several with commas: {}, all", fmt::join(bench::collective_names(), ", ")))
      ->capture_default_str();
  sub->add_option("--workers", sizes->workers, "Burst sizes, with commas")->capture_default_str();
  sub->add_option("--granularity", sizes->granularities, "Workers a pack, several with commas")->capture_default_str();
  add_communication(*sub, chosen, flags, [sizes](const CommunicationFlags& given) {
    return bench::collective_shapes(sizes->names, sizes->workers, sizes->granularities, given.payload, given.chunk);
  });
}

}  // namespace gust::cli
