#include "objectstore/file/file_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <utility>

#include "base/fd.h"
#include "base/ids.h"
#include "base/write_all.h"
#include "objectstore/file/names.h"

namespace gust::objectstore {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

Result<void> check_context(const Context& context) {
  if (context.stop.stop_requested()) return fail(ErrorCode::kCancelled, "cancelled");
  if (std::chrono::steady_clock::now() >= context.deadline) return fail(ErrorCode::kTimedOut, "timed out");
  return {};
}

std::unexpected<Error> fail_system(const std::string& what, int error) {
  if (error == ENAMETOOLONG) {
    return fail(ErrorCode::kInvalid, what + ": a part of the key is too long for a file's name; it may have 255 bytes");
  }
  if (error == EACCES || error == EPERM || error == EROFS) {
    return fail(ErrorCode::kDenied, what + ": " + std::strerror(error));
  }
  return fail_errno(what, error);
}

// A file that is being written, and becomes the object when it is whole.
class NewFile final : public Upload {
 public:
  static Result<std::unique_ptr<NewFile>> create(const fs::path& path) {
    std::unique_ptr<NewFile> file(new NewFile(path));
    GUST_TRY_VOID(file->open());
    return file;
  }
  ~NewFile() override {
    if (file_) ::unlink(unfinished_.c_str());
  }

  Result<void> add(Piece part, const Context& context) override {
    GUST_TRY_VOID(check_context(context));
    return write_all(file_.get(), std::string_view(reinterpret_cast<const char*>(part.data()), part.size()));
  }

  Result<void> complete(const Context& context) override {
    GUST_TRY_VOID(check_context(context));
    if (::rename(unfinished_.c_str(), path_.c_str()) != 0) return fail_system("put " + path_.string(), errno);
    file_.reset();
    return {};
  }

 private:
  explicit NewFile(const fs::path& path)
      : path_(path), unfinished_(path.parent_path() / (kUnfinished + random_hex_id())) {}

  Result<void> open() {
    // The folder, or one above it, may be removed, being empty, by somebody who removes the last object in it.
    for (int tries = 0; tries < 100; ++tries) {
      std::error_code error;
      fs::create_directories(path_.parent_path(), error);
      if (error == std::errc::no_such_file_or_directory) continue;
      if (error) return fail_system("create " + path_.parent_path().string(), error.value());
      file_.reset(::open(unfinished_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
      if (file_) return {};
      if (errno != ENOENT) break;
    }
    return fail_system("create " + unfinished_.string(), errno);
  }

  const fs::path path_;
  const fs::path unfinished_;
  UniqueFd file_;
};

// All objects below `folder`, whose keys begin with `key`.
Result<void> collect(const fs::path& folder, const std::string& key, const std::string& prefix,
                     std::vector<Object>& objects) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code gone;
    if (entry->is_directory(gone)) {
      const auto part = part_of_folder(name);
      const std::string below = key + part.value_or("") + "/";
      if (!part || !(below.starts_with(prefix) || prefix.starts_with(below))) continue;
      GUST_TRY_VOID(collect(entry->path(), below, prefix, objects));
    } else if (const auto part = part_of_file(name); part && (key + *part).starts_with(prefix)) {
      const std::uint64_t bytes = entry->file_size(gone);
      if (!gone) objects.push_back({key + *part, bytes});
    }
  }
  if (error && error.value() != ENOENT) return fail_system("list " + folder.string(), error.value());
  return {};
}

}  // namespace

Result<void> FileStore::get(const std::string& key, const Range& range, const Receiver& receive,
                            const Context& context) {
  GUST_TRY_VOID(check_key(key));
  const fs::path path = folder_ / path_of_key(key);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) {
    return fail(ErrorCode::kNotFound, "there is no object " + key + " in " + folder_.string());
  }
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return fail_system("read " + path.string(), errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (range.offset > 0 && range.offset >= size) {
    return fail(ErrorCode::kInvalid, "the range begins at " + std::to_string(range.offset) + " and " + key + " has " +
                                         std::to_string(size) + " bytes");
  }
  std::uint64_t at = range.offset;
  const std::uint64_t end = at + std::min(size - at, range.bytes.value_or(size));
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kReadBytes, end - at));
  while (at < end) {
    GUST_TRY_VOID(check_context(context));
    const auto room = std::min<std::uint64_t>(buffer.size(), end - at);
    const ssize_t got = ::pread(file.get(), buffer.data(), room, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_system("read " + path.string(), errno);
    if (got == 0) return fail(ErrorCode::kUnavailable, path.string() + " became shorter while it was read");
    GUST_TRY_VOID(receive(Piece(buffer).first(static_cast<std::size_t>(got))));
    at += static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<void> FileStore::put(const std::string& key, std::span<const Piece> pieces, const Context& context) {
  const auto file = GUST_TRY(start_upload(key, context));
  for (const Piece& piece : pieces) GUST_TRY_VOID(file->add(piece, context));
  return file->complete(context);
}

Result<std::unique_ptr<Upload>> FileStore::start_upload(const std::string& key, const Context& context) {
  GUST_TRY_VOID(check_key(key));
  GUST_TRY_VOID(check_context(context));
  return GUST_TRY(NewFile::create(folder_ / path_of_key(key)));
}

Result<Page> FileStore::list(const std::string& prefix, const std::string& from, std::uint32_t limit,
                             const Context& context) {
  if (limit < 1 || limit > kLargestPage) {
    return fail(ErrorCode::kInvalid, "a page has 1 to 1000 objects, not " + std::to_string(limit));
  }
  GUST_TRY_VOID(check_context(context));
  std::vector<Object> objects;
  GUST_TRY_VOID(collect(folder_, "", prefix, objects));
  std::erase_if(objects, [&](const Object& object) { return !from.empty() && object.key <= from; });
  std::ranges::sort(objects, {}, &Object::key);
  Page page;
  if (objects.size() > limit) {
    objects.resize(limit);
    page.next = objects.back().key;
  }
  page.objects = std::move(objects);
  return page;
}

Result<void> FileStore::remove(const std::string& key, const Context& context) {
  GUST_TRY_VOID(check_key(key));
  GUST_TRY_VOID(check_context(context));
  fs::path path = folder_ / path_of_key(key);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return fail_system("remove " + path.string(), errno);
  }
  // Folders are no objects: empty ones go.
  for (path = path.parent_path(); path != folder_ && ::rmdir(path.c_str()) == 0; path = path.parent_path()) {
  }
  return {};
}

Result<void> FileStore::remove_many(std::span<const std::string> keys, const Context& context) {
  for (const std::string& key : keys) GUST_TRY_VOID(check_key(key));
  for (const std::string& key : keys) GUST_TRY_VOID(remove(key, context));
  return {};
}

}  // namespace gust::objectstore
