// gust deploy: stores an action's code and limits in the controller.
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/files.h"
#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "http/target.h"

namespace gust::cli {

namespace {

struct Deployment {
  std::string name;
  std::string file;
  std::string kind;
  std::string main;
  std::string memory = "256MB";
  std::string timeout = "60s";
  std::string logs = "10MB";
  std::string image;
  std::string tmp;  ///< empty: as much as memory
  std::uint32_t processes = 256;
  std::uint32_t open_files = 1024;
  std::uint32_t cpu = 100;
  bool json = false;
};

bool is_source(std::string_view file) {
  return file.ends_with(".cc") || file.ends_with(".cpp") || file.ends_with(".c");
}

/// What --kind says, or what the file's name does.
Result<std::string> choose_kind(const Deployment& wanted) {
  if (!wanted.kind.empty()) return wanted.kind;
  if (wanted.file.empty()) return std::string("blackbox");
  const std::string_view file = wanted.file;
  if (file.ends_with(".so")) return "cpp:default";
  if (file.ends_with(".py") || file.ends_with(".zip")) return "python:default";
  if (is_source(file)) {
    return fail(ErrorCode::kInvalid, fmt::format("{0} is source; compile it first: gust build {0}", wanted.file));
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("the name of {} does not tell what it is; .so is a shared object made by gust build, .py "
                          "Python, .zip Python with __main__.py: or say it with --kind",
                          wanted.file));
}

/// Source goes as it is, everything else in base64.
Json make_exec(const Deployment& wanted, const std::string& kind, const std::string& code) {
  const bool is_archive = code.starts_with("PK\x03\x04");
  const bool is_bytes = is_archive || code.find('\0') != std::string::npos;
  const bool text = (kind.starts_with("python:") && !is_archive) ||
                    (kind.starts_with("native") && code.starts_with("#!")) ||
                    (!kind.starts_with("cpp:") && !kind.starts_with("native") && !is_bytes);
  Json exec = {{"kind", kind}, {"binary", !text}, {"code", text ? code : base64_encode(code)}};
  if (!wanted.main.empty()) exec["main"] = wanted.main;
  if (!wanted.image.empty()) exec["image"] = wanted.image;
  return exec;
}

Result<Json> deploy(ApiClient& api, const Deployment& wanted) {
  const auto limit = [](std::string_view flag, const auto& parsed) -> Result<std::uint64_t> {
    if (!parsed) return std::unexpected(parsed.error().while_doing(flag));
    if constexpr (requires { parsed->in_mb(); }) {
      return parsed->in_mb();
    } else {
      return static_cast<std::uint64_t>(parsed->count());
    }
  };
  const auto memory = GUST_TRY(limit("--memory", parse_bytes(wanted.memory)));
  const auto timeout = GUST_TRY(limit("--timeout", parse_duration(wanted.timeout)));
  const auto logs = GUST_TRY(limit("--logs", parse_bytes(wanted.logs)));
  const std::string kind = GUST_TRY(choose_kind(wanted));
  if (wanted.file.empty() && wanted.image.empty()) {
    return fail(ErrorCode::kInvalid, "there is neither a file with the code nor an --image that has it");
  }
  const std::string code = wanted.file.empty() ? std::string() : GUST_TRY(read_whole_file(wanted.file));
  Json limits = {{"memory", memory},
                 {"timeout", timeout},
                 {"logs", logs},
                 {"processes", wanted.processes},
                 {"openFiles", wanted.open_files},
                 {"cpu", wanted.cpu}};
  if (!wanted.tmp.empty()) limits["tmp"] = GUST_TRY(limit("--tmp", parse_bytes(wanted.tmp)));
  const Json body = {{"exec", make_exec(wanted, kind, code)}, {"limits", std::move(limits)}};
  return api.put("/namespaces/_/actions/" + http::percent_encode(wanted.name), {{"overwrite", "true"}},
                 dump_json(body));
}

}  // namespace

void add_deploy(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("deploy", "Store an action, so that it can be flared");
  sub->footer(
      "Examples:\n"
      "  gust build hello.cc && gust deploy hello hello.so --memory 512MB --timeout 5m\n"
      "  gust deploy hello hello.py\n"
      "  gust deploy hello ./program --kind native   # an executable, a script, or a zip with exec\n"
      "  gust deploy hello --image team/server:1     # an image that serves /init and /run on port 8080");
  auto wanted = std::make_shared<Deployment>();
  auto options = std::make_shared<Options>(*sub);
  options->add_client();
  sub->add_option("name", wanted->name, "The action's name")->required();
  sub->add_option("file", wanted->file,
                  "Its code: a shared object made by gust build (.so), Python (.py), or a zip with __main__.py (.zip); "
                  "none where --image has all of it");
  sub->add_option("--kind", wanted->kind,
                  "Its kind, if the file's name does not tell: cpp:default, python:default, native, blackbox (for an "
                  "image's own server)");
  sub->add_option("--main", wanted->main, "The function that an invocation of Python calls, instead of main");
  sub->add_option("--memory", wanted->memory, "Memory limit of each container")->capture_default_str();
  sub->add_option("--timeout", wanted->timeout, "Time limit of a flare")->capture_default_str();
  sub->add_option("--logs", wanted->logs, "Output kept of each pack")->capture_default_str();
  sub->add_option("--image", wanted->image, "Image to run in, as gust image import named it on the invokers' machines");
  sub->add_option("--tmp", wanted->tmp, "Files in each container's /tmp, a part of its memory; default: all of it");
  sub->add_option("--processes", wanted->processes, "Processes and threads of each container, beside its workers")
      ->capture_default_str();
  sub->add_option("--open-files", wanted->open_files, "Open files of each process")->capture_default_str();
  sub->add_option("--cpu", wanted->cpu, "Each worker's share of the processors, in percent of the ordinary one")
      ->capture_default_str();
  sub->add_flag("--json", wanted->json, "Print the stored entity");
  sub->callback([&chosen, wanted, options] {
    chosen.run = [wanted, options] {
      return with_api(*options, [&](ApiClient& api) -> Result<ExitCode> {
        const auto stored = deploy(api, *wanted);
        if (!stored) return std::unexpected(stored.error().while_doing("deploy " + wanted->name));
        if (wanted->json) {
          fmt::print("{}\n", stored->dump(2));
        } else {
          fmt::print("deployed {} version {}\n", wanted->name, stored->value("version", "?"));
        }
        return kExitOk;
      });
    };
  });
}

}  // namespace gust::cli
