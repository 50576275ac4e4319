// What the subcommands of `gust plot` share.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/command.h"

namespace gust::cli {

/// Gives `command` the flag -o; the default is its name with .png behind.
void add_output(CLI::App& command, std::filesystem::path& output);

/// plot_transfers.cc: pair, throughput, collective
void add_plot_transfers(CLI::App& plot, Chosen& chosen);

}  // namespace gust::cli
