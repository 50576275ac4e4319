// gust config: what is in force, and where each setting can be changed.
#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"

namespace gust::cli {

namespace {

std::string shown(const Setting& setting, const Config& config) {
  const std::string value = setting.get(config);
  return setting.secrecy == Secrecy::kSecret && !value.empty() ? "(set)" : value;
}

// Whole numbers and truth values stand without quotes, as people write them.
std::string as_toml(const std::string& value) {
  const bool number = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
  return number || value == "true" || value == "false" ? value : dump_json(value);
}

void print_toml(const Config& config) {
  for (const Setting& setting : settings()) {
    fmt::print("# {} [{}]\n{} = {}\n\n", setting.help, setting.variable, setting.name, as_toml(shown(setting, config)));
  }
}

void print_json(const Config& config) {
  Json all = Json::object();
  for (const Setting& setting : settings()) all[std::string(setting.name)] = shown(setting, config);
  fmt::print("{}\n", all.dump(2));
}

}  // namespace

void add_config(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("config", "Print the configuration in force, as a configuration file");
  sub->footer(
      "Example:\n  GUST_ENDPOINT=https://burst.example:443 gust config\n\n"
      "A value comes from a flag, else the environment, else the file, else a running gust up, else its default.");
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  auto json = std::make_shared<bool>(false);
  sub->add_flag("--json", *json, "Print JSON");
  sub->callback([&chosen, options, json] {
    chosen.run = [options, json] {
      const auto config = options->load();
      if (!config) return report(config.error());
      *json ? print_json(*config) : print_toml(*config);
      return static_cast<int>(kExitOk);
    };
  });
}

}  // namespace gust::cli
