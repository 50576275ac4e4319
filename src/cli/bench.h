// What the subcommands of `gust bench` share; each has a file of its own.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "bench/cluster.h"
#include "bench/floor.h"
#include "cli/command.h"

namespace gust::cli {

void add_bench_startup(CLI::App& group, Chosen& chosen);
void add_bench_floor(CLI::App& group, Chosen& chosen);
void add_bench_pair(CLI::App& group, Chosen& chosen);
void add_bench_throughput(CLI::App& group, Chosen& chosen);
void add_bench_collective(CLI::App& group, Chosen& chosen);
void add_bench_invocations(CLI::App& group, Chosen& chosen);

/// Of an experiment's own cluster: `--pack-start`.
void add_pack_start(CLI::App& sub, bench::ClusterShape& cluster);

/// Of the floor beside containers of this driver: a sandbox's, where this user may make them; otherwise none, and a
/// sentence on standard error says so.
bench::Namespaces floor_namespaces(const std::string& driver);

/// A file beside this executable.
std::filesystem::path beside_us(const std::string& file);

/// The compiled worker of this name, in the build tree or as it is installed.
std::string worker_object(const std::string& name);

}  // namespace gust::cli
