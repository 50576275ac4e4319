#include "cli/bench.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/children.h"
#include "cli/command.h"

namespace gust::cli {

std::filesystem::path beside_us(const std::string& file) {
  const auto own = own_path();
  return own ? std::filesystem::path(*own).parent_path() / file : std::filesystem::path(file);
}

std::string worker_object(const std::string& name) {
  std::error_code ignored;
  const auto built = beside_us("../examples/" + name + ".so");
  return (std::filesystem::exists(built, ignored) ? built : beside_us("../share/gust/examples/" + name + ".so"))
      .string();
}

void add_pack_start(CLI::App& sub, bench::ClusterShape& cluster) {
  sub.add_option("--pack-start", cluster.pack_start, "How its packs begin: fork or exec")
      ->capture_default_str()
      ->check(CLI::IsMember({"fork", "exec"}));
}

bench::Namespaces floor_namespaces(const std::string& driver) {
  if (driver != "sandbox") return bench::Namespaces::kNone;
  if (geteuid() == 0) return bench::Namespaces::kSandbox;
  fmt::print(stderr,
             "gust: the floor is measured without a sandbox's namespaces, which only root may make; what is "
             "above it contains them\n");
  return bench::Namespaces::kNone;
}

void add_bench(CLI::App& app, Chosen& chosen) {
  CLI::App* group =
      app.add_subcommand("bench", "Measure the platform: startup, invocations, floor; pair, throughput, collective");
  group->require_subcommand(1);
  group->footer("Example:\n  gust bench startup --granularity 48 --sleep 1");
  add_bench_startup(*group, chosen);
  add_bench_floor(*group, chosen);
  add_bench_pair(*group, chosen);
  add_bench_throughput(*group, chosen);
  add_bench_collective(*group, chosen);
  add_bench_invocations(*group, chosen);
}

}  // namespace gust::cli
