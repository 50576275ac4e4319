// gust doctor: what this machine can do for Gust, and what is missing.
#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/doctor_checks.h"
#include "cli/exit_code.h"
#include "cli/options.h"

namespace gust::cli {

namespace {

std::string_view word(Health health) {
  switch (health) {
    case Health::kGood: return "good";
    case Health::kLimited: return "limited";
    case Health::kMissing: return "missing";
  }
  return "?";
}

struct Group {
  std::string_view title;
  std::vector<Check> checks;
};

void print(const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    fmt::print("{}\n", group.title);
    for (const Check& check : group.checks) {
      fmt::print("  {:<8} {:<20} {}\n", word(check.health), check.name, check.found);
      if (!check.advice.empty()) fmt::print("  {:<8} {:<20} -> {}\n", "", "", check.advice);
    }
  }
}

void print_json(const std::vector<Group>& groups, bool works) {
  Json all = {{"works", works}};
  for (const Group& group : groups) {
    Json checks = Json::array();
    for (const Check& check : group.checks) {
      checks.push_back(
          {{"name", check.name}, {"health", word(check.health)}, {"found", check.found}, {"advice", check.advice}});
    }
    all[std::string(group.title)] = std::move(checks);
  }
  fmt::print("{}\n", all.dump(2));
}

int examine(const Config& config, bool json) {
  const std::vector<Group> groups = {{"drivers", check_drivers(config)},
                                     {"kernel", check_kernel()},
                                     {"programs", check_programs()},
                                     {"addresses", check_addresses(config)}};
  bool works = false;
  for (const Check& check : groups.front().checks) {
    if (check.name.ends_with("(default)")) works = check.health != Health::kMissing;
  }
  json ? print_json(groups, works) : print(groups);
  if (!works && !json) {
    fmt::print("The default driver, {}, does not work here; choose another one with --driver.\n", config.driver);
  }
  return works ? kExitOk : kExitFailed;
}

}  // namespace

void add_doctor(CLI::App& app, Chosen& chosen) {
  CLI::App* sub =
      app.add_subcommand("doctor", "Say what this machine can enforce and run, and what to do about the rest");
  sub->footer("Example:\n  gust doctor\n\nIts exit code is 0 when the default driver works.");
  auto options = std::make_shared<Options>(*sub);
  options->add("--driver", "driver").add("--oci-runtime", "oci_runtime").add("--listen", "listen");
  auto json = std::make_shared<bool>(false);
  sub->add_flag("--json", *json, "Print JSON");
  sub->callback([&chosen, options, json] {
    chosen.run = [options, json] {
      const auto config = options->load();
      return config ? examine(*config, *json) : report(config.error());
    };
  });
}

}  // namespace gust::cli
