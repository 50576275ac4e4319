// gust token create|list|revoke: by what an invoker joins over TLS. For the operator.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "http/target.h"

namespace gust::cli {

namespace {

constexpr const char* kBase = "/gust/tokens";

std::string show_time(const Json& millis) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}",
                     fmt::localtime(static_cast<std::time_t>(millis.get<std::int64_t>() / 1000)));
}

void print_list(const Json& tokens) {
  fmt::print("{:<32} {:<20} {:<20} {}\n", "id", "created", "expires", "state");
  for (const Json& token : tokens) {
    fmt::print("{:<32} {:<20} {:<20} {}\n", token.at("id").get<std::string>(), show_time(token.at("created")),
               show_time(token.at("expires")), token.at("expired").get<bool>() ? "expired" : "valid");
  }
}

// What each of the three asks for, and how it shows the answer.
using Ask = std::function<Result<Json>(ApiClient&)>;
using Print = void (*)(const Json&);

CLI::App* add(CLI::App& group, Chosen& chosen, const char* name, const char* help, const std::string& example, Ask ask,
              Print print) {
  CLI::App* sub = group.add_subcommand(name, help);
  sub->footer("Example:\n  " + example);
  auto json = std::make_shared<bool>(false);
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  sub->add_flag("--json", *json, "Print JSON");
  sub->callback([&chosen, options, json, ask = std::move(ask), print] {
    chosen.run = [options, json, ask, print] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const Json answer = GUST_TRY(ask(api));
        *json ? fmt::print("{}\n", answer.dump(2)) : print(answer);
        return kExitOk;
      });
    };
  });
  return sub;
}

}  // namespace

void add_token(CLI::App& app, Chosen& chosen) {
  CLI::App* group = app.add_subcommand("token", "Say what may join as an invoker: create, list, revoke");
  group->require_subcommand(1);
  group->footer("Example:\n  gust token create --ttl 1h");

  auto life = std::make_shared<std::string>("24h");
  CLI::App* create = add(
      *group, chosen, "create", "Make a token by which invokers join; it is shown only now",
      "gust token create --ttl 1h",
      [life](ApiClient& api) -> Result<Json> {
        const auto ttl = parse_duration(*life);
        if (!ttl) return std::unexpected(ttl.error().while_doing("--ttl"));
        return api.post(kBase, {}, dump_json({{"ttl", ttl->count()}}));
      },
      [](const Json& token) { fmt::print("{}\n", token.at("token").get<std::string>()); });
  create->add_option("--ttl", *life, "How long invokers can join by it")->capture_default_str();

  add(
      *group, chosen, "list", "List the tokens, without their secrets", "gust token list",
      [](ApiClient& api) { return api.get(kBase); }, print_list);

  auto id = std::make_shared<std::string>();
  CLI::App* revoke = add(
      *group, chosen, "revoke", "Let nobody join by a token from now on; who has joined stays",
      "gust token revoke 6e1c4b0f9a2d4f5e8b7a6c5d4e3f2a1b",
      [id](ApiClient& api) { return api.remove(fmt::format("{}/{}", kBase, http::percent_encode(*id))); },
      [](const Json& token) { fmt::print("revoked the join token {}\n", token.at("id").get<std::string>()); });
  revoke->add_option("id", *id, "The token's id: what stands before its dot")->required();
}

}  // namespace gust::cli
