// What `gust bench pair`, `throughput` and `collective` share: flags, cluster, table.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/config.h"
#include "bench/communication.h"
#include "cli/command.h"
#include "cli/options.h"

namespace gust::cli {

/// The flags of one of the subcommands, as the user gave them.
struct CommunicationFlags {
  std::string payload;
  std::string chunk;
  std::string out;
  bool json = false;
  bench::ClusterShape cluster{.invokers = 2, .slots = 0, .memory = {}, .driver = "process", .environment = {}};
  bench::CommunicationOptions measuring;
};

/// Gives `sub` the flags that all three have, and says what to run: the shapes that `shapes` makes of the flags.
void add_communication(CLI::App& sub, Chosen& chosen, const std::shared_ptr<CommunicationFlags>& flags,
                       std::function<Result<std::vector<bench::Shape>>(const CommunicationFlags&)> shapes);

}  // namespace gust::cli
