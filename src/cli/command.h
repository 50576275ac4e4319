// A subcommand is one file with one add_…() function, which declares its options and says what to run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace gust::cli {

/// Filled by the subcommand that the user chose; run by main after everything is parsed.
struct Chosen {
  std::function<int()> run;  ///< its value is the exit code (exit_code.h)
};

// stats.cc, plot.cc: read result files
void add_stats(CLI::App& app, Chosen& chosen);
void add_plot(CLI::App& app, Chosen& chosen);
// build.cc: compiles workers
void add_build(CLI::App& app, Chosen& chosen);
// up.cc, controller.cc, invoker.cc: run the platform
void add_up(CLI::App& app, Chosen& chosen);
void add_controller(CLI::App& app, Chosen& chosen);
void add_invoker(CLI::App& app, Chosen& chosen);
// simulate.cc: tries the scheduler without a cluster
void add_simulate(CLI::App& app, Chosen& chosen);
// deploy.cc, flare.cc, queue.cc, activation.cc, status.cc, drain.cc, config.cc: use it
void add_deploy(CLI::App& app, Chosen& chosen);
void add_flare(CLI::App& app, Chosen& chosen);
void add_queue(CLI::App& app, Chosen& chosen);
void add_cancel(CLI::App& app, Chosen& chosen);
void add_drain(CLI::App& app, Chosen& chosen);
void add_uncordon(CLI::App& app, Chosen& chosen);
void add_activation(CLI::App& app, Chosen& chosen);
void add_status(CLI::App& app, Chosen& chosen);
void add_config(CLI::App& app, Chosen& chosen);
// key.cc, token.cc: who may use it, and what may join it
void add_key(CLI::App& app, Chosen& chosen);
void add_token(CLI::App& app, Chosen& chosen);
// image.cc: what packs can run in on this machine
void add_image(CLI::App& app, Chosen& chosen);
// doctor.cc: what this machine can do
void add_doctor(CLI::App& app, Chosen& chosen);
// bench.cc: measures it
void add_bench(CLI::App& app, Chosen& chosen);

}  // namespace gust::cli
