// gust key add|list|revoke: who may use which namespace. For the operator.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "http/target.h"

namespace gust::cli {

namespace {

constexpr const char* kBase = "/gust/keys";

void print_list(const Json& keys) {
  fmt::print("{:<32} {:<24} {}\n", "id", "namespace", "created");
  for (const Json& key : keys) {
    const auto created = static_cast<std::time_t>(key.at("created").get<std::int64_t>() / 1000);
    fmt::print("{:<32} {:<24} {:%Y-%m-%d %H:%M:%S}\n", key.at("id").get<std::string>(),
               key.at("namespace").get<std::string>(), fmt::localtime(created));
  }
}

// The three differ in their argument, if any, in what they ask, and in what they print.
struct Subcommand {
  const char* name;
  const char* help;
  const char* example;
  const char* argument;  ///< null for none
  const char* argument_help;
  Result<Json> (*ask)(ApiClient& api, const std::string& argument);
  void (*print)(const Json& answer);
};

const Subcommand kSubcommands[] = {
    {"add", "Make a key for a namespace; it is shown only now", "gust key add alice", "namespace",
     "The namespace that the key opens",
     [](ApiClient& api, const std::string& name) { return api.post(kBase, {}, dump_json({{"namespace", name}})); },
     [](const Json& key) { fmt::print("{}\n", key.at("key").get<std::string>()); }},
    {"list", "List the keys, without their secrets", "gust key list", nullptr, nullptr,
     [](ApiClient& api, const std::string&) { return api.get(kBase); }, print_list},
    {"revoke", "Refuse a key from now on", "gust key revoke 6e1c4b0f9a2d4f5e8b7a6c5d4e3f2a1b", "id",
     "The key's id: what stands before its colon",
     [](ApiClient& api, const std::string& id) {
       return api.remove(fmt::format("{}/{}", kBase, http::percent_encode(id)));
     },
     [](const Json& key) {
       fmt::print("revoked the key {} of namespace {}\n", key.at("id").get<std::string>(),
                  key.at("namespace").get<std::string>());
     }},
};

void add(CLI::App& group, Chosen& chosen, const Subcommand& subcommand) {
  CLI::App* sub = group.add_subcommand(subcommand.name, subcommand.help);
  sub->footer(fmt::format("Example:\n  {}", subcommand.example));
  auto argument = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  if (subcommand.argument != nullptr) {
    sub->add_option(subcommand.argument, *argument, subcommand.argument_help)->required();
  }
  sub->add_flag("--json", *json, "Print JSON");
  sub->callback([&chosen, options, argument, json, &subcommand] {
    chosen.run = [options, argument, json, &subcommand] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const Json answer = GUST_TRY(subcommand.ask(api, *argument));
        *json ? fmt::print("{}\n", answer.dump(2)) : subcommand.print(answer);
        return kExitOk;
      });
    };
  });
}

}  // namespace

void add_key(CLI::App& app, Chosen& chosen) {
  CLI::App* group = app.add_subcommand("key", "Say who may use which namespace: add, list, revoke");
  group->require_subcommand(1);
  group->footer("Example:\n  gust key add alice");
  for (const Subcommand& subcommand : kSubcommands) add(*group, chosen, subcommand);
}

}  // namespace gust::cli
