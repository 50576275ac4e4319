#include "container/sandbox/root_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <string>
#include <string_view>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "container/sandbox/devices.h"
#include "container/sandbox/host_files.h"
#include "container/sandbox/mounts.h"
#include "container/sandbox/paths.h"

namespace gust::container {
namespace {

constexpr std::size_t kMaxCopied = 1 << 20;

const char* below(const char* absolute) { return absolute + 1; }

bool write_text(const char* path, const std::string& text) {
  if (!make_file(path)) return false;
  const UniqueFd file(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// A file that the host does not have is left out.
bool copy_file(const char* absolute) {
  const UniqueFd file(open(absolute, O_RDONLY | O_CLOEXEC));
  if (!file) return errno == ENOENT || errno == EACCES;
  std::string text;
  std::array<char, 16 << 10> part;
  ssize_t size = 0;
  while ((size = read(file.get(), part.data(), part.size())) > 0 && text.size() < kMaxCopied) {
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  return size >= 0 && write_text(below(absolute), text);
}

bool copy_link(const char* absolute) {
  std::array<char, PATH_MAX> target{};
  return readlink(absolute, target.data(), target.size() - 1) > 0 && symlink(target.data(), below(absolute)) == 0;
}

bool show_directory(const char* absolute) {
  struct stat status{};
  if (lstat(absolute, &status) != 0) return errno == ENOENT;
  if (S_ISLNK(status.st_mode)) return make_directories(".") && copy_link(absolute);
  return make_directories(below(absolute)) && show(absolute, below(absolute));
}

bool show_host() {
  for (const char* directory : kProgramDirectories) {
    if (!show_directory(directory)) return false;
  }
  for (const char* file : kCopiedFiles) {
    if (!copy_file(file)) return false;
  }
  for (const char* directory : kShownDirectories) {
    if (!show_directory(directory)) return false;
  }
  struct stat status{};
  if (lstat("/etc/localtime", &status) == 0 && S_ISLNK(status.st_mode) && !copy_link("/etc/localtime")) return false;
  return write_text("etc/passwd", kPasswd) && write_text("etc/group", kGroup);
}

/// /tmp and /proc are mounted on by each sandbox. The kernel lets an ordinary user mount a /proc only where it can see
/// one already: then the host's lies below the sandbox's own, where nobody can reach it.
bool make_empty_places(Identity identity) {
  for (const char* path : {"proc", "tmp", "run", "var", "sys/fs/cgroup", "gust"}) {
    if (!make_directories(path)) return false;
  }
  if (symlink("/tmp", "var/tmp") != 0) return false;
  return identity == Identity::kOwnUser || mount("/proc", "proc", nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

bool show_code(const char* directory) {
  const char* inside = below(kCodeInside);
  return *directory == '\0' || (make_directories(inside) && show(directory, inside));
}

/// What gust-pack loads when a flare's packs talk by way of a server stands beside it.
bool show_transports(const char* pack_binary) {
  const std::string folder(pack_binary, std::string_view(pack_binary).rfind('/'));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder.c_str()), closedir);
  if (!entries) return errno == ENOENT || errno == EACCES;
  while (const dirent* entry = readdir(entries.get())) {
    const std::string_view name(entry->d_name);
    if (!name.starts_with("gust-transport-") || !name.ends_with(".so")) continue;
    const std::string inside = "gust/" + std::string(name);
    if (!make_file(inside.c_str()) || !show((folder + "/" + std::string(name)).c_str(), inside.c_str())) return false;
  }
  return true;
}

/// At the path that they have on the host.
Failure show_folders(std::span<char* const> folders) {
  for (const char* folder : folders) {
    if (!make_directories(below(folder)) || !show(folder, below(folder))) return {Step::kShownFolder, errno};
  }
  return {};
}

bool become_root() {
  return syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0 &&
         mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, nullptr) == 0;
}

/// An image's tree, in which the places for what is mounted were made when it was imported. How to reach others by name
/// is the host's affair.
Failure show_image(const RootPaths& paths, Identity identity) {
  if (!show(paths.image_root, paths.mount_point) || chdir(paths.mount_point) != 0 ||
      mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k") != 0 || !make_devices(identity) ||
      mount(nullptr, "dev", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC, nullptr) != 0 ||
      (identity == Identity::kLauncherUser && mount("/proc", "proc", nullptr, MS_BIND | MS_REC, nullptr) != 0)) {
    return {Step::kImage, errno};
  }
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts"}) {
    if (access(file, R_OK) == 0 && !show(file, below(file))) return {Step::kImage, errno};
  }
  if (*paths.code_directory != '\0' && !show(paths.code_directory, below(kCodeInside))) return {Step::kImage, errno};
  if (!show(paths.pack_binary, below(kPackInside))) return {Step::kPackBinary, errno};
  if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) {
    return {Step::kImage, errno};
  }
  return {};
}

}  // namespace

Failure enter_root(const RootPaths& paths, Identity identity) {
  if (*paths.image_root != '\0') return show_image(paths, identity);
  if (mount("gust", paths.mount_point, "tmpfs", MS_NOSUID, "mode=0755,size=16m") != 0 ||
      chdir(paths.mount_point) != 0 || !show_host() || !make_devices(identity) || !make_empty_places(identity) ||
      !show_code(paths.code_directory)) {
    return {Step::kRootFileSystem, errno};
  }
  if (const Failure failure = show_folders(paths.shown); failure.step != Step::kNone) return failure;
  if (!make_file(below(kPackInside)) || !show(paths.pack_binary, below(kPackInside)) ||
      !show_transports(paths.pack_binary)) {
    return {Step::kPackBinary, errno};
  }
  if (!become_root()) return {Step::kRootFileSystem, errno};
  return {};
}

}  // namespace gust::container
