#include "container/oci/oci_driver.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utility>

#include "base/files.h"
#include "container/client/launcher_driver.h"
#include "container/images/environment.h"
#include "container/oci/host_root.h"
#include "container/python_folders.h"
#include "container/sandbox/paths.h"

namespace gust::container {

namespace fs = std::filesystem;

namespace {

/// Users of containers, apart from those of sandboxes (0x70000000 and a process id, of at most 22 bits). A user is
/// another container's again when neither lives, unless invokers' process ids are the same in their last 12 bits; then
/// they still are in process namespaces of their own.
constexpr std::uint32_t kFirstUser = 0x7100'0000;
constexpr std::uint32_t kUsersOfInvoker = 4096;

std::uint32_t user_of(ContainerId id) {
  const auto invoker = static_cast<std::uint32_t>(::getpid()) % kUsersOfInvoker;
  return kFirstUser + invoker * kUsersOfInvoker + static_cast<std::uint32_t>(id % kUsersOfInvoker);
}

/// The runtime's absolute path.
Result<std::string> find_runtime(const std::string& name) {
  std::error_code ignored;
  if (name.contains('/')) {
    const fs::path path = fs::absolute(name, ignored);
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  } else {
    const char* variable = std::getenv("PATH");
    std::istringstream folders(std::string(variable == nullptr ? "/usr/bin:/bin" : variable) + ":/usr/sbin:/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
      const fs::path path = fs::path(folder) / name;
      if (::access(path.c_str(), X_OK) == 0) return path.string();
    }
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("there is no OCI runtime '{}'; install one (apt install runc, or crun), "
                          "and name it with --oci-runtime",
                          name));
}

}  // namespace

Result<std::unique_ptr<Driver>> OciDriver::create(DriverOptions options, ImageStore store) {
  if (::geteuid() != 0) {
    return fail(ErrorCode::kDenied,
                "the oci driver needs root; run the invoker as root, or use --driver sandbox, which does not");
  }
  options.oci_runtime = GUST_TRY(find_runtime(options.oci_runtime));
  const std::vector<std::string> shown = GUST_TRY(folders_of_pythons(options.pythons));
  std::unique_ptr<Driver> keeper = GUST_TRY(LauncherDriver::create(Isolation::kOci, options));
  OciRoot host = GUST_TRY(make_host_root(options.state_dir + "/host", shown));
  return std::make_unique<OciDriver>(std::move(options), std::move(store), std::move(host), std::move(keeper));
}

OciDriver::OciDriver(DriverOptions options, ImageStore store, OciRoot host, std::unique_ptr<Driver> keeper)
    : options_(std::move(options)), store_(std::move(store)), host_(std::move(host)), keeper_(std::move(keeper)) {
  add_common(host_);
}

OciDriver::~OciDriver() {
  keeper_.reset();
  for (const auto& [id, unused] : containers_) cgroups_.remove(id);
  images_.clear();
  store_.clean();
  std::error_code ignored;
  fs::remove_all(host_.path, ignored);
}

void OciDriver::add_common(OciRoot& root) const {
  root.shown.push_back({options_.pack_binary, kPackInside});
  if (!options_.code_dir.empty()) root.shown.push_back({options_.code_dir, kCodeInside});
}

std::string OciDriver::path_inside(const std::string& path) const {
  if (options_.code_dir.empty() || !path.starts_with(options_.code_dir)) return path;
  return kCodeInside + path.substr(options_.code_dir.size());
}

std::string OciDriver::bundle_of(ContainerId id) const { return fmt::format("{}/packs/{}", options_.state_dir, id); }

Result<void> OciDriver::start(std::vector<Spec> specs) {
  std::vector<ContainerId> written;
  const auto undo = [&] {
    std::error_code ignored;
    for (const ContainerId id : written) {
      fs::remove_all(bundle_of(id), ignored);
      if (UsedImage* image = containers_.at(id)) --image->containers;
      containers_.erase(id);
    }
  };
  for (Spec& spec : specs) {
    if (containers_.contains(spec.id)) {
      ++duplicates_[spec.id];  // the keeper says so
      continue;
    }
    UsedImage* image = nullptr;
    if (!spec.image.empty()) {
      auto used = use(spec.image);
      if (!used) {
        undo();
        return std::unexpected(used.error());
      }
      image = *used;
      spec.environment = with_image_environment(image->held.image, std::move(spec.environment));
      spec.image.clear();
    }
    if (const auto done = write_bundle(spec, image); !done) {
      undo();
      return std::unexpected(done.error().while_doing(fmt::format("container {}", spec.id)));
    }
    containers_.emplace(spec.id, image);
    if (image != nullptr) ++image->containers;
    written.push_back(spec.id);
  }
  if (auto started = keeper_->start(std::move(specs)); !started) {
    undo();
    return started;
  }
  return {};
}

Result<OciDriver::UsedImage*> OciDriver::use(const std::string& name) {
  HeldImage held = GUST_TRY(store_.hold(name));
  const std::string digest = held.image.digest;
  if (const auto found = images_.find(digest); found != images_.end()) return &found->second;
  OciRoot root{.path = held.image.root.string(), .shown = {}};
  if (!held.image.working_directory.empty()) root.directory = held.image.working_directory;
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts"}) {
    if (::access(file, R_OK) == 0) root.shown.push_back({file, file});
  }
  add_common(root);
  return &images_.emplace(digest, UsedImage{std::move(held), std::move(root)}).first->second;
}

Result<void> OciDriver::write_bundle(const Spec& spec, UsedImage* image) const {
  const std::string directory = bundle_of(spec.id);
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  if (::mkdir(directory.c_str(), 0700) != 0) return fail_errno("create " + directory, errno);
  const Json config = runtime_config({.root = image == nullptr ? host_ : image->root,
                                      .limits = spec.limits,
                                      .environment = spec.environment,
                                      .user = user_of(spec.id),
                                      .cgroup = cgroups_.path(spec.id),
                                      .network = options_.network});
  return write_whole_file(directory + "/config.json", dump_json(config));
}

Result<void> OciDriver::read_events(const Events& events) {
  auto read = keeper_->read_events({.launched = events.launched, .exited = [&](const Exited& exited) {
                                      Exited told = exited;
                                      finish(told);
                                      events.exited(told);
                                    }});
  return read;
}

/// What only this side knows of a container's end; and nothing of it is left.
void OciDriver::finish(Exited& exited) {
  const auto found = containers_.find(exited.id);
  if (found == containers_.end()) return;
  if (const auto again = duplicates_.find(exited.id); again != duplicates_.end() && !exited.failure.empty()) {
    if (--again->second == 0) duplicates_.erase(again);
    return;
  }
  if (!exited.failure.empty()) exited.failure = reason(exited.id, exited.failure);
  exited.out_of_memory = exited.failure.empty() && WIFSIGNALED(exited.wait_status) &&
                         WTERMSIG(exited.wait_status) == SIGKILL && cgroups_.was_out_of_memory(exited.id);
  cgroups_.remove(exited.id);
  std::error_code ignored;
  fs::remove_all(bundle_of(exited.id), ignored);
  if (UsedImage* image = found->second; image != nullptr && --image->containers == 0) {
    std::erase_if(images_, [&](const auto& entry) { return &entry.second == image; });
  }
  containers_.erase(found);
}

/// The last line of the runtime's log has a sentence.
std::string OciDriver::reason(ContainerId id, std::string_view otherwise) const {
  std::ifstream log(bundle_of(id) + "/log");
  std::string sentence;
  for (std::string line; std::getline(log, line);) {
    const auto entry = parse_json(line, "the runtime's log");
    if (entry && entry->is_object() && entry->contains("msg") && entry->at("msg").is_string())
      sentence = entry->at("msg");
  }
  if (sentence.empty()) return std::string(otherwise);
  return fmt::format("{}: {}", fs::path(options_.oci_runtime).filename().string(), sentence);
}

}  // namespace gust::container
