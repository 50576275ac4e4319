#include "invoker/state_dir.h"

#include <fcntl.h>

#include <cerrno>
#include <sys/file.h>
#include <system_error>

namespace gust::invoker {

namespace fs = std::filesystem;

Result<StateDir> StateDir::open(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  const auto problem = [&](const std::string& what) {
    return fail(ErrorCode::kInternal, "state directory " + absolute.string() + ": " + what + "; choose another one");
  };
  if (path.empty() || error) return fail(ErrorCode::kInvalid, "the invoker needs a state directory; name one");
  const Origin origin = fs::create_directories(absolute, error) ? Origin::kCreated : Origin::kFound;
  if (error) return problem(error.message());
  if (origin == Origin::kCreated) fs::permissions(absolute, fs::perms::owner_all, error);

  UniqueFd lock(::open((absolute / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return problem(std::error_code(errno, std::generic_category()).message());
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kExists,
                "state directory " + absolute.string() + " is in use by another invoker; choose another one");
  }
  // Emptied, and not made anew: containers may have this very directory before their eyes already.
  fs::create_directory(absolute / "code", error);
  for (const auto& entry : fs::directory_iterator(absolute / "code", error)) {
    if (!error) fs::remove_all(entry.path(), error);
  }
  if (error) return problem(error.message());
  return StateDir(absolute, origin, std::move(lock));
}

StateDir::~StateDir() {
  if (!lock_) return;
  std::error_code ignored;  // nobody is left to tell
  fs::remove_all(code(), ignored);
  fs::remove(path_ / "lock", ignored);
  if (origin_ == Origin::kCreated) fs::remove(path_, ignored);
}

}  // namespace gust::invoker
