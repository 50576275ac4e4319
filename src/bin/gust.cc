// gust: one binary, one subcommand for each thing that it does.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"

int main(int argc, char** argv) {
  CLI::App app{"Gust runs bursts: one call starts a thousand cooperating workers, packed into few containers."};
  app.name("gust");
  app.set_version_flag("--version", "gust " GUST_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Start here:\n"
      "  gust up &                                   a cluster on this machine\n"
      "  gust build hello.cc && gust deploy hello hello.so\n"
      "  gust flare hello --workers 100 --wait");
  gust::cli::Chosen chosen;
  gust::cli::add_up(app, chosen);
  gust::cli::add_controller(app, chosen);
  gust::cli::add_invoker(app, chosen);
  gust::cli::add_build(app, chosen);
  gust::cli::add_deploy(app, chosen);
  gust::cli::add_key(app, chosen);
  gust::cli::add_token(app, chosen);
  gust::cli::add_image(app, chosen);
  gust::cli::add_flare(app, chosen);
  gust::cli::add_queue(app, chosen);
  gust::cli::add_cancel(app, chosen);
  gust::cli::add_activation(app, chosen);
  gust::cli::add_status(app, chosen);
  gust::cli::add_drain(app, chosen);
  gust::cli::add_uncordon(app, chosen);
  gust::cli::add_config(app, chosen);
  gust::cli::add_doctor(app, chosen);
  gust::cli::add_simulate(app, chosen);
  gust::cli::add_bench(app, chosen);
  gust::cli::add_stats(app, chosen);
  gust::cli::add_plot(app, chosen);
  const auto is_chosen = [&](const CLI::App* command) { return argc > 1 && command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(app.get_subcommands({}), is_chosen)) {
    return gust::cli::report({gust::ErrorCode::kInvalid, "there is no command '" + std::string(argv[1]) +
                                                             "'; gust --help lists those that exist"});
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? gust::cli::kExitOk : gust::cli::kExitUsage;
  }
  gust::cli::hide_secrets(argc, argv);
  return chosen.run();
}
