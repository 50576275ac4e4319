#include "container/make_driver.h"

#include <filesystem>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "container/client/launcher_driver.h"
#include "container/client/words.h"
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
  if (options.pack_binary.empty()) options.pack_binary = GUST_TRY(beside_executable("gust-pack"));
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
  for (const Isolation isolation : {Isolation::kNone, Isolation::kSandbox}) {
    if (name == name_of(isolation)) return isolation;
  }
  return fail(ErrorCode::kInvalid, fmt::format("container driver '{}' does not exist; there are: {}, {}", name,
                                               name_of(Isolation::kNone), name_of(Isolation::kSandbox)));
}

}  // namespace

Result<std::string> driver_notice(std::string_view name) {
  const Isolation isolation = GUST_TRY(isolation_of(name));
  return describe_notice(isolation, isolation == Isolation::kSandbox ? Sandboxes::foresee_unenforced() : 0);
}

Result<std::unique_ptr<Driver>> make_driver(std::string_view name, const DriverOptions& options) {
  const Isolation isolation = GUST_TRY(isolation_of(name));
  return LauncherDriver::create(isolation, GUST_TRY(complete(options)));
}

}  // namespace gust::container
