#include "container/images/import.h"

#include <unistd.h>

#include <cstdlib>
#include <fmt/format.h>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/image_name.h"
#include "base/json.h"
#include "base/program.h"
#include "container/images/requirements.h"
#include "container/images/unpack.h"

namespace gust::container {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kRegistry = "docker://";
/// Of the one image in the layout that skopeo makes for us.
constexpr std::string_view kTag = "image";

Result<void> need_tools(std::string_view source) {
  for (const char* tool : {"skopeo", "umoci"}) {
    if (is_in_path(tool)) continue;
    return fail(ErrorCode::kNotFound,
                fmt::format("'{}' is imported with skopeo and umoci, and there is no {}; install them: apt install "
                            "skopeo umoci",
                            source, tool));
  }
  return {};
}

/// Where skopeo has no policy of signatures it refuses everything; the default policy everywhere accepts everything.
bool has_policy() {
  std::error_code error;
  const char* home = std::getenv("HOME");
  return fs::exists("/etc/containers/policy.json", error) ||
         (home != nullptr && fs::exists(fs::path(home) / ".config/containers/policy.json", error));
}

Result<void> copy_image(const std::string& from, const IncomingImage& incoming) {
  std::vector<std::string> command{"skopeo"};
  if (!has_policy()) command.emplace_back("--insecure-policy");
  const std::string layout = fmt::format("oci:{}:{}", (incoming.path() / "layout").string(), kTag);
  command.insert(command.end(), {"copy", "--quiet", from, layout});
  auto copied = run_program(command, {incoming.lock()});
  if (copied) return {};
  const bool remote = from.starts_with(kRegistry);
  return fail(remote ? ErrorCode::kUnavailable : ErrorCode::kInvalid,
              fmt::format("cannot read '{}': {}{}", from, copied.error().message,
                          remote ? "; is the reference right, can the registry be reached from here, and are its "
                                   "credentials there (skopeo login)?"
                                 : ""));
}

std::string hex_of(const std::string& digest) { return digest.substr(digest.find(':') + 1); }

Result<Json> read_blob(const fs::path& layout, const std::string& digest) {
  const std::string hex = hex_of(digest);
  if (hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is not a digest", digest));
  }
  const std::string text = GUST_TRY(read_whole_file(layout / "blobs/sha256" / hex));
  return parse_json(text, "the image's " + digest);
}

/// What the image says of itself; its digest is that of this text, and names the layers.
Result<Image> read_configuration(const fs::path& layout) {
  const std::string text = GUST_TRY(read_whole_file(layout / "index.json"));
  const Json index = GUST_TRY(parse_json(text, "the image's index"));
  try {
    const Json manifest = GUST_TRY(read_blob(layout, index.at("manifests").at(0).at("digest")));
    const std::string digest = manifest.at("config").at("digest");
    const Json configuration = GUST_TRY(read_blob(layout, digest));
    Image image;
    image.digest = hex_of(digest);
    const Json config = configuration.value("config", Json::object());
    for (const Json& variable : config.value("Env", Json::array())) {
      if (variable.get<std::string>().find('=') != std::string::npos) image.environment.push_back(variable);
    }
    for (const char* part : {"Entrypoint", "Cmd"}) {
      const auto words = config.find(part);
      if (words == config.end() || !words->is_array()) continue;
      for (const Json& word : *words) image.command.push_back(word);
    }
    image.working_directory = config.value("WorkingDir", "");
    return image;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalid, fmt::format("the image's description is not as OCI has it: {}", error.what()));
  }
}

Result<Image> import_layers(const std::string& from, const IncomingImage& incoming) {
  GUST_TRY_VOID(copy_image(from, incoming));
  const fs::path layout = incoming.path() / "layout";
  Image image = GUST_TRY(read_configuration(layout));
  const fs::path bundle = incoming.path() / "bundle";
  std::vector<std::string> command{"umoci", "unpack", "--image", fmt::format("{}:{}", layout.string(), kTag)};
  if (::geteuid() != 0) command.emplace_back("--rootless");
  command.push_back(bundle.string());
  const auto unpacked = run_program(command, {incoming.lock()});
  if (!unpacked) return std::unexpected(unpacked.error().while_doing("unpack " + from));
  std::error_code error;
  fs::rename(bundle / "rootfs", incoming.root(), error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("move {}: {}", bundle.string(), error.message()));
  fs::remove_all(bundle, error);
  fs::remove_all(layout, error);
  return image;
}

Result<Image> import_file(const fs::path& file, const IncomingImage& incoming) {
  const ArchiveKind kind = GUST_TRY(inspect_archive(file));
  if (kind != ArchiveKind::kRootFileSystem) {
    GUST_TRY_VOID(need_tools(file.string()));
    const char* transport = kind == ArchiveKind::kDocker ? "docker-archive:" : "oci-archive:";
    return import_layers(transport + fs::absolute(file).string(), incoming);
  }
  Image image;
  image.digest = GUST_TRY(sha256_hex_of_file(file));
  GUST_TRY_VOID(unpack_root(file, incoming.root()));
  return image;
}

}  // namespace

Result<Image> import_image(const ImageStore& store, std::string_view name, const std::string& source,
                           const fs::path& pack_binary) {
  GUST_TRY_VOID(check_image_name(name));
  const bool layers = source.starts_with("oci:") || source.starts_with(kRegistry);
  if (layers) GUST_TRY_VOID(need_tools(source));
  const Requirements needed = GUST_TRY(requirements_of(pack_binary));
  IncomingImage incoming = GUST_TRY(store.begin());
  Image image = GUST_TRY(layers ? import_layers(source, incoming) : import_file(source, incoming));
  image.source = source;
  image.size = GUST_TRY(prepare_root(incoming.root()));
  if (const auto fits = check_image(incoming.root(), needed); !fits) {
    return std::unexpected(fits.error().while_doing(source));
  }
  image.root = incoming.root();
  GUST_TRY_VOID(store.publish(std::move(incoming), name, image));
  return image;
}

}  // namespace gust::container
