// Settings as flags of a subcommand: the same names, parsers and precedence everywhere (base/config.h).
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/config.h"
#include "base/result.h"

namespace gust::cli {

class Options {
 public:
  /// Gives `app` the flag --config.
  explicit Options(CLI::App& app);

  /// Gives it `flag` for a setting of base/config.h, with that setting's help.
  Options& add(std::string_view flag, std::string_view setting);
  /// The flags of every command that talks to a controller: --endpoint, --api-key, --ca-file, --insecure.
  Options& add_client();
  /// The flags of every command that runs a controller.
  Options& add_controller();

  /// Defaults, then what a running `gust up` left for its user, then the file, the environment, the flags.
  [[nodiscard]] Result<Config> load() const;

 private:
  CLI::App& app_;
  std::shared_ptr<std::string> file_ = std::make_shared<std::string>();
  // Shared with the parser's callbacks, which outlive this object's moves.
  std::shared_ptr<std::map<std::string, std::string>> flags_ = std::make_shared<std::map<std::string, std::string>>();
};

/// Where `gust up` leaves its endpoint and key for the commands of the same user, as a configuration file.
std::filesystem::path up_file();

/// Overwrites the values of secret flags in this process's command line, so that no process list shows them.
void hide_secrets(int argc, char** argv);

}  // namespace gust::cli
