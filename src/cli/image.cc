// gust image: the images of this machine, which its invokers' packs can run in.
#include <fmt/format.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "container/images/image_store.h"
#include "container/images/import.h"
#include "container/make_driver.h"

namespace gust::cli {

namespace {

constexpr std::size_t kShownDigits = 12;

container::ImageStore store_of(const Config& config) {
  return container::ImageStore(config.image_dir.empty() ? container::ImageStore::default_directory()
                                                        : config.image_dir);
}

Json to_json(const std::string& name, const container::Image& image) {
  return {{"name", name},
          {"digest", "sha256:" + image.digest},
          {"bytes", image.size.count()},
          {"source", image.source},
          {"environment", image.environment},
          {"command", image.command},
          {"workingDirectory", image.working_directory},
          {"path", image.root.string()}};
}

Result<ExitCode> import(const Config& config, const std::string& name, const std::string& source) {
  const std::string pack = GUST_TRY(container::pack_program());
  const container::Image image = GUST_TRY(container::import_image(store_of(config), name, source, pack));
  fmt::print("imported {} ({}, {})\n", name, image.digest.substr(0, kShownDigits), to_string(image.size));
  return kExitOk;
}

Result<ExitCode> list(const Config& config, bool json) {
  const auto images = GUST_TRY(store_of(config).list());
  if (json) {
    Json all = Json::array();
    for (const auto& named : images) {
      all.push_back(to_json(named.name, named.image));
      all.back()["inUse"] = named.in_use;
    }
    fmt::print("{}\n", all.dump(2));
    return kExitOk;
  }
  fmt::print("{:<32} {:<12} {:>10} {:<6} {}\n", "image", "digest", "size", "used", "from");
  for (const auto& named : images) {
    fmt::print("{:<32} {:<12} {:>10} {:<6} {}\n", named.name, named.image.digest.substr(0, kShownDigits),
               to_string(named.image.size), named.in_use ? "yes" : "no", named.image.source);
  }
  return kExitOk;
}

Result<ExitCode> remove(const Config& config, const std::string& name) {
  const bool gone = GUST_TRY(store_of(config).remove(name));
  fmt::print("removed {}{}\n", name,
             gone ? "" : "; its files stay for as long as another name or a running invoker needs them");
  return kExitOk;
}

/// One of gust image's own subcommands: its flags, and what it does with the configuration.
template <class Run>
CLI::App* add(CLI::App& parent, Chosen& chosen, const char* name, const char* help, const char* example, Run run) {
  CLI::App* sub = parent.add_subcommand(name, help);
  sub->footer(std::string("Example:\n  ") + example);
  auto options = std::make_shared<Options>(*sub);
  options->add("--image-dir", "image_dir");
  sub->callback([&chosen, options, run] {
    chosen.run = [options, run] {
      const auto config = options->load();
      if (!config) return report(config.error());
      const Result<ExitCode> code = run(*config);
      return code ? static_cast<int>(*code) : report(code.error());
    };
  });
  return sub;
}

}  // namespace

void add_image(CLI::App& app, Chosen& chosen) {
  CLI::App* parent = app.add_subcommand("image", "Images of this machine, for packs to run in");
  parent->require_subcommand(1);
  parent->footer(
      "Example:\n  gust image import debian debian.tar && gust deploy hello hello.so --image debian\n\n"
      "Each machine with an invoker has images of its own. An image needs glibc, as new as gust-pack's.");
  auto name = std::make_shared<std::string>();
  auto source = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* in = add(*parent, chosen, "import", "Unpack an image, and give it a name",
                     "gust image import python docker://docker.io/library/python:3-slim",
                     [name, source](const Config& config) { return import(config, *name, *source); });
  in->add_option("name", *name, "How actions will call it")->required();
  in->add_option("source", *source,
                 "FILE.tar (a root file system, docker save or an OCI archive), oci:DIRECTORY or docker://REFERENCE")
      ->required();
  CLI::App* all = add(*parent, chosen, "list", "Show all images", "gust image list",
                      [json](const Config& config) { return list(config, *json); });
  all->add_flag("--json", *json, "Print JSON");
  CLI::App* out = add(*parent, chosen, "rm", "Take a name away, and the image if nothing else needs it",
                      "gust image rm python", [name](const Config& config) { return remove(config, *name); });
  out->add_option("name", *name, "Which")->required();
}

}  // namespace gust::cli
