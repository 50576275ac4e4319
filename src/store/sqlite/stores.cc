#include "store/sqlite/stores.h"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/files.h"
#include "store/sqlite/schema.h"

namespace gust::store {

namespace {

// Held for as long as the folder is in use; the kernel lets go of it when the process ends, however it does.
Result<UniqueFd> lock_folder(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "lock";
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno("open " + file.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = read_whole_file(file, Bytes(64)).value_or("");
    return fail(ErrorCode::kBusy,
                fmt::format("the state in {} is in use by the controller with process id {}: stop it, "
                            "or name another folder with --state",
                            folder.string(), holder.empty() ? "unknown" : holder));
  }
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), process.data(), process.size(), 0) < 0) {
    return fail_errno("write " + file.string(), errno);
  }
  return fd;
}

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder, error)) {
    return fail(ErrorCode::kInvalid, fmt::format("the state's folder {} cannot be made: {}", folder.string(),
                                                 error ? error.message() : "something else has this name"));
  }
  // It holds users' code, parameters and results.
  if (::chmod(folder.c_str(), 0700) != 0) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the state's folder {} is another user's: name one of your own", folder.string()));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<SqliteStores>> SqliteStores::open(const std::filesystem::path& folder,
                                                         SqliteFlareStoreOptions options) {
  GUST_TRY_VOID(make_folder(folder));
  UniqueFd lock = GUST_TRY(lock_folder(folder));
  const std::filesystem::path file = folder / "gust.db";
  Database writer = GUST_TRY(Database::open(file, Access::kWrite));
  GUST_TRY_VOID(prepare_schema(writer));
  Database reader = GUST_TRY(Database::open(file, Access::kRead));
  std::unique_ptr<SqliteStores> stores(
      new SqliteStores(std::move(lock), std::move(writer), std::move(reader), options));
  Database loader = GUST_TRY(Database::open(file, Access::kRead));
  GUST_TRY_VOID(stores->load(loader));
  // Open flares first: no group may have the removal of one without its end, and actions look whose code is in use.
  stores->writer_.start({&stores->open_flares_, &stores->actions_, &stores->packages_, &stores->triggers_,
                         &stores->rules_, &stores->keys_, &stores->tokens_, &stores->drains_, &stores->flares_});
  return stores;
}

SqliteStores::SqliteStores(UniqueFd lock, Database writer, Database reader, SqliteFlareStoreOptions options)
    : lock_(std::move(lock)), writer_(std::move(writer)), flares_(writer_, std::move(reader), options) {}

SqliteStores::~SqliteStores() { writer_.stop(); }

Stores SqliteStores::all() {
  return {actions_, packages_, triggers_, rules_, keys_, tokens_, drains_, flares_, open_flares_, writer_, name_};
}

Result<void> SqliteStores::load(Database& database) {
  GUST_TRY_VOID(actions_.load(database));
  GUST_TRY_VOID(packages_.load(database));
  GUST_TRY_VOID(triggers_.load(database));
  GUST_TRY_VOID(rules_.load(database));
  GUST_TRY_VOID(keys_.load(database));
  GUST_TRY_VOID(tokens_.load(database));
  GUST_TRY_VOID(drains_.load(database));
  GUST_TRY_VOID(open_flares_.load(database));
  name_ = GUST_TRY(read_name(database));
  return flares_.load();
}

}  // namespace gust::store
