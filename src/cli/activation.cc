// gust activation list|get|result|logs: what ended, and what it gave; its logs also before.
#include <chrono>
#include <cstdio>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <thread>

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

// get and result differ only in their path and in what they print.
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

struct LogWish {
  std::string id;
  bool flare = false;
  bool follow = false;
  bool json = false;
};

// An invoker reports output a quarter of a second after it was written.
constexpr std::chrono::milliseconds kLogPoll{250};

// Page by page; with --follow until the end.
Result<ExitCode> print_log_pages(ApiClient& api, const LogWish& wanted) {
  const std::string path =
      fmt::format("/namespaces/_/{}/{}/logs", wanted.flare ? "flares" : "activations", http::percent_encode(wanted.id));
  std::uint64_t from = 0;
  Json lines = Json::array();
  for (;;) {
    Json page = GUST_TRY(api.get(path, {{"follow", "true"}, {"from", std::to_string(from)}}));
    for (Json& line : page.at("logs")) {
      if (!wanted.json) fmt::print("{}\n", line.get<std::string>());
      if (wanted.json) lines.push_back(std::move(line));
    }
    std::fflush(stdout);
    const bool moved = page.at("next").get<std::uint64_t>() > from;
    from = page.at("next").get<std::uint64_t>();
    if (page.at("ended").get<bool>() || (!moved && !wanted.follow)) break;
    if (!moved) std::this_thread::sleep_for(kLogPoll);
  }
  if (wanted.json) fmt::print("{}\n", Json{{"logs", std::move(lines)}}.dump(2));
  return kExitOk;
}

// Of an activation that has ended as OpenWhisk gives them: pack after pack.
Result<ExitCode> print_logs(ApiClient& api, const LogWish& wanted) {
  if (wanted.flare || wanted.follow) return print_log_pages(api, wanted);
  const Json answer = GUST_TRY(api.get(fmt::format("{}/{}/logs", kBase, http::percent_encode(wanted.id))));
  if (wanted.json) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    for (const Json& line : answer.at("logs")) fmt::print("{}\n", line.get<std::string>());
  }
  return kExitOk;
}

void add_logs(CLI::App& group, Chosen& chosen) {
  CLI::App* sub = group.add_subcommand("logs", "Print what an activation's workers wrote");
  sub->footer(
      "Examples:\n"
      "  gust activation logs 6e1c4b0f9a2d4f5e8b7a6c5d4e3f2a1b\n"
      "  gust activation logs -f --flare 6e1c4b0f9a2d4f5e8b7a6c5d4e3f2a1b\n\n"
      "With -f also while they run, in the order in which lines come, until the end.");
  auto wanted = std::make_shared<LogWish>();
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  sub->add_option("id", wanted->id, "The activation's id; with --flare a flare's")->required();
  auto* follow = sub->add_flag("-f,--follow", wanted->follow, "Print what comes until the activation has ended");
  sub->add_flag("--flare", wanted->flare, "The id is a flare's: what all of its workers wrote so far");
  sub->add_flag("--json", wanted->json, "Print JSON")->excludes(follow);
  sub->callback([&chosen, options, wanted] {
    chosen.run = [options, wanted] {
      return with_api(*options, [&](ApiClient& api) { return print_logs(api, *wanted); });
    };
  });
}

}  // namespace

void add_activation(CLI::App& app, Chosen& chosen) {
  CLI::App* group =
      app.add_subcommand("activation", "Look at what has ended: list, get, result, logs (these also before)");
  group->require_subcommand(1);
  group->footer("Example:\n  gust activation list");
  add_list(*group, chosen);
  add_one(*group, chosen, "get", "", "Print an activation's record",
          [](const Json& record) { fmt::print("{}\n", record.dump(2)); });
  add_one(*group, chosen, "result", "/result", "Print an activation's result",
          [](const Json& answer) { fmt::print("{}\n", answer.at("result").dump(2)); });
  add_logs(*group, chosen);
}

}  // namespace gust::cli
