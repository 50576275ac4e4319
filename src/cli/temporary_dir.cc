#include "cli/temporary_dir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace gust::cli {

namespace {

bool is_usable(const char* place) {
  struct statvfs info{};
  return ::access(place, W_OK | X_OK) == 0 && ::statvfs(place, &info) == 0 && (info.f_flag & ST_NOEXEC) == 0;
}

std::filesystem::path usable_place() {
  const char* wished = std::getenv("TMPDIR");
  if (wished != nullptr && is_usable(wished)) return wished;
  return is_usable("/dev/shm") ? "/dev/shm" : "/tmp";
}

// Takes the folder's lock, if it is ours and nobody has it.
UniqueFd try_lock(const std::filesystem::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || info.st_uid != ::geteuid()) return {};
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return {};
  return fd;
}

void remove_abandoned(const std::filesystem::path& place, const std::string& prefix) {
  constexpr std::chrono::minutes kNew(1);  // it may be about to be locked
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(place, error)) {
    if (!entry.path().filename().string().starts_with(prefix)) continue;
    const auto changed = std::filesystem::last_write_time(entry.path(), error);
    if (error || std::filesystem::file_time_type::clock::now() - changed < kNew) continue;
    if (const UniqueFd lock = try_lock(entry.path())) std::filesystem::remove_all(entry.path(), error);
  }
}

}  // namespace

Result<void> TemporaryDir::create(std::string_view prefix) {
  const std::filesystem::path place = usable_place();
  remove_abandoned(place, std::string(prefix) + "-");
  std::string name = (place / (std::string(prefix) + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) return fail_errno("make a folder like " + name, errno);
  path_ = name;
  lock_ = try_lock(path_);
  return {};
}

TemporaryDir::~TemporaryDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace gust::cli
