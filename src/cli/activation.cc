// gust activation list|get|result|logs: what ended, and what it gave.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "http/target.h"

namespace gust::cli {

namespace {

constexpr const char* kBase = "/namespaces/_/activations";

void print_list(const Json& activations) {
  fmt::print("{:<20} {:<32} {:>10} {:<24} {}\n", "start", "activation", "ms", "status", "action");
  for (const Json& entry : activations) {
    constexpr std::array<const char*, 4> kStatus = {"success", "application error", "action developer error",
                                                    "whisk internal error"};
    const auto code = entry.value("statusCode", std::size_t{3});
    fmt::print("{:%Y-%m-%d %H:%M:%S}  {:<32} {:>10} {:<24} {}\n",
               fmt::localtime(static_cast<std::time_t>(entry.at("start").get<std::int64_t>() / 1000)),
               entry.at("activationId").get<std::string>(), entry.value("duration", std::int64_t{0}),
               kStatus.at(std::min(code, kStatus.size() - 1)), entry.at("name").get<std::string>());
  }
}

struct Listing {
  std::string action;
  std::string limit = "30";
  std::string skip = "0";
  bool json = false;
};

void add_list(CLI::App& group, Chosen& chosen) {
  CLI::App* sub = group.add_subcommand("list", "List the newest activations");
  sub->footer("Example:\n  gust activation list --action hello --limit 5");
  auto wanted = std::make_shared<Listing>();
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  sub->add_option("--action", wanted->action, "Only this action's");
  sub->add_option("--limit", wanted->limit, "How many, at most 200")->capture_default_str();
  sub->add_option("--skip", wanted->skip, "How many of the newest to leave out")->capture_default_str();
  sub->add_flag("--json", wanted->json, "Print JSON");
  sub->callback([&chosen, options, wanted] {
    chosen.run = [options, wanted] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        ApiClient::Query query = {{"limit", wanted->limit}, {"skip", wanted->skip}};
        if (!wanted->action.empty()) query["name"] = wanted->action;
        const Json list = GUST_TRY(api.get(kBase, std::move(query)));
        wanted->json ? fmt::print("{}\n", list.dump(2)) : print_list(list);
        return kExitOk;
      });
    };
  });
}

// get, result and logs differ only in their path and in what they print.
void add_one(CLI::App& group, Chosen& chosen, const std::string& name, const std::string& suffix,
             const std::string& help, void (*print)(const Json&)) {
  CLI::App* sub = group.add_subcommand(name, help);
  sub->footer(fmt::format("Example:\n  gust activation {} 6e1c4b0f9a2d4f5e8b7a6c5d4e3f2a1b", name));
  auto id = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  sub->add_option("id", *id, "The activation's id")->required();
  sub->add_flag("--json", *json, "Print JSON");
  sub->callback([&chosen, options, id, json, suffix, print] {
    chosen.run = [options, id, json, suffix, print] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const Json answer = GUST_TRY(api.get(fmt::format("{}/{}{}", kBase, http::percent_encode(*id), suffix)));
        *json ? fmt::print("{}\n", answer.dump(2)) : print(answer);
        return kExitOk;
      });
    };
  });
}

}  // namespace

void add_activation(CLI::App& app, Chosen& chosen) {
  CLI::App* group = app.add_subcommand("activation", "Look at what has ended: list, get, result, logs");
  group->require_subcommand(1);
  group->footer("Example:\n  gust activation list");
  add_list(*group, chosen);
  add_one(*group, chosen, "get", "", "Print an activation's record",
          [](const Json& record) { fmt::print("{}\n", record.dump(2)); });
  add_one(*group, chosen, "result", "/result", "Print an activation's result",
          [](const Json& answer) { fmt::print("{}\n", answer.at("result").dump(2)); });
  add_one(*group, chosen, "logs", "/logs", "Print what an activation's workers wrote", [](const Json& answer) {
    for (const Json& line : answer.at("logs")) fmt::print("{}\n", line.get<std::string>());
  });
}

}  // namespace gust::cli
