#include "container/oci/host_root.h"

#include <fmt/format.h>
#include <fstream>

#include "container/sandbox/host_files.h"
#include "container/sandbox/paths.h"

namespace gust::container {

namespace fs = std::filesystem;

namespace {

/// A directory is shown, a link is made again; what the host does not have is left out.
void show(const fs::path& host, OciRoot& root, std::error_code& error) {
  const fs::path inside = fs::path(root.path) / host.relative_path();
  std::error_code absent;
  const fs::file_type type = fs::symlink_status(host, absent).type();
  if (type == fs::file_type::symlink) {
    fs::create_directories(inside.parent_path(), error);
    fs::copy_symlink(host, inside, error);
  } else if (type == fs::file_type::directory) {
    fs::create_directories(inside, error);
    root.shown.push_back({host, host});
  }
}

/// Not fs::copy_file(), which asks for the size, and files of /sys lie about it.
void copy(const fs::path& host, const OciRoot& root, std::error_code& error) {
  const fs::path inside = fs::path(root.path) / host.relative_path();
  std::ifstream from(host);
  if (!from) return;
  fs::create_directories(inside.parent_path(), error);
  std::ofstream(inside) << from.rdbuf();
}

}  // namespace

Result<OciRoot> make_host_root(const fs::path& directory, const std::vector<std::string>& folders) {
  OciRoot root{.path = directory.string(), .shown = {}};
  std::error_code error;
  fs::remove_all(directory, error);
  for (const char* place : {"etc", "proc", "dev", "sys", "tmp", "run", "var", "gust/code"}) {
    fs::create_directories(directory / place, error);
  }
  for (const char* path : kProgramDirectories) show(path, root, error);
  for (const std::string& folder : folders) {
    fs::create_directories(directory / fs::path(folder).relative_path(), error);
    root.shown.push_back({folder, folder});
  }
  for (const char* path : kCopiedFiles) copy(path, root, error);
  for (const char* path : kShownDirectories) show(path, root, error);
  if (fs::is_symlink("/etc/localtime")) fs::copy_symlink("/etc/localtime", directory / "etc/localtime", error);
  fs::create_symlink("/tmp", directory / "var/tmp", error);
  std::ofstream(directory / "etc/passwd") << kPasswd;
  std::ofstream(directory / "etc/group") << kGroup;
  std::ofstream(fs::path(directory).concat(kPackInside));
  fs::permissions(directory, fs::perms(0755), error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("make {}: {}", directory.string(), error.message()));
  return root;
}

}  // namespace gust::container
