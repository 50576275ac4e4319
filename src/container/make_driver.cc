#include "container/make_driver.h"

#include <filesystem>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "container/client/launcher_driver.h"
#include "container/client/words.h"
#include "container/images/image_drivers.h"
#include "container/oci/oci_driver.h"
#include "container/python_folders.h"
#include "container/sandbox/sandbox.h"

namespace gust::container {
namespace {

/// The file `name` in the directory of the running executable.
Result<std::string> beside_executable(std::string_view name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("read /proc/self/exe: {}", error.message()));
  const std::filesystem::path path = self.parent_path() / name;
  if (!std::filesystem::exists(path, error)) {
    return fail(ErrorCode::kNotFound, fmt::format("{} is missing; install it beside {}", path.string(), self.string()));
  }
  return path.string();
}

Result<DriverOptions> complete(DriverOptions options) {
  if (options.pack_binary.empty()) options.pack_binary = GUST_TRY(pack_program());
  if (options.launcher_binary.empty()) options.launcher_binary = GUST_TRY(beside_executable("gust-launcher"));
  std::vector<std::string> paths{options.pack_binary, options.launcher_binary, options.state_dir};
  if (!options.code_dir.empty()) paths.push_back(options.code_dir);
  for (const std::string& path : paths) {
    if (path.starts_with('/')) continue;
    return fail(ErrorCode::kInvalid, fmt::format("container driver: path '{}' is not absolute; begin it with /", path));
  }
  return options;
}

Result<Isolation> isolation_of(std::string_view name) {
  for (const Isolation isolation : {Isolation::kNone, Isolation::kSandbox, Isolation::kOci}) {
    if (name == name_of(isolation)) return isolation;
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("container driver '{}' does not exist; there are: process, sandbox, oci", name));
}

ImageStore image_store(const DriverOptions& options) {
  if (options.image_dir.empty()) return ImageStore(ImageStore::default_directory());
  return ImageStore(options.image_dir);
}

}  // namespace

Result<std::string> pack_program() { return beside_executable("gust-pack"); }

Result<std::string> driver_notice(std::string_view name) {
  const Isolation isolation = GUST_TRY(isolation_of(name));
  return describe_notice(isolation, isolation == Isolation::kSandbox ? Sandboxes::foresee_unenforced() : 0);
}

Result<std::unique_ptr<Driver>> make_driver(std::string_view name, const DriverOptions& given) {
  const Isolation isolation = GUST_TRY(isolation_of(name));
  const DriverOptions options = GUST_TRY(complete(given));
  for (const std::string& python : options.pythons) GUST_TRY_VOID(check_python(python));
  if (isolation == Isolation::kOci) return OciDriver::create(options, image_store(options));
  std::unique_ptr<Driver> host = GUST_TRY(LauncherDriver::create(isolation, options));
  if (isolation == Isolation::kNone) return host;
  const auto make = [options, isolation](const Image& image, const std::string& state_dir) {
    DriverOptions own = options;
    own.state_dir = state_dir;
    return LauncherDriver::create(isolation, own, &image);
  };
  return ImageDrivers::create(std::move(host), image_store(options), options.state_dir, make);
}

}  // namespace gust::container
