#include "container/images/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace gust::container {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlock = 1 << 20;

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;

std::unexpected<Error> broken(const fs::path& file, archive* reader) {
  const char* why = archive_error_string(reader);
  return fail(ErrorCode::kInvalid, fmt::format("{} is not an archive that can be read: {}; make one with tar",
                                               file.string(), why == nullptr ? "it is damaged" : why));
}

Result<Reader> open_archive(const fs::path& file) {
  Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    return fail(ErrorCode::kInvalid, fmt::format("there is no file {}", file.string()));
  }
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) return broken(file, reader.get());
  return reader;
}

/// The path below the root, without "/" and "./" in front, or nothing when it leads out.
std::optional<std::string> path_below(const char* raw) {
  if (raw == nullptr) return std::nullopt;
  std::string clean;
  std::istringstream parts(raw);
  for (std::string part; std::getline(parts, part, '/');) {
    if (part == "..") return std::nullopt;
    if (part.empty() || part == ".") continue;
    clean += (clean.empty() ? "" : "/") + part;
  }
  return clean;
}

/// Names, owners and permissions as they will be on the disk. False for an entry that has no place there.
Result<bool> adapt(archive_entry* entry, const fs::path& file, const fs::path& root) {
  const char* raw = archive_entry_pathname(entry);
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: entry '{}' {}; nothing was imported", file.string(), raw == nullptr ? "" : raw, why));
  };
  const auto below = path_below(raw);
  if (!below) return refuse("leads out of the root");
  if (below->empty()) return false;
  if (const char* linked = archive_entry_hardlink(entry)) {
    const auto target = path_below(linked);
    if (!target || target->empty()) return refuse("is a link to a file outside the root");
    archive_entry_copy_hardlink(entry, (root / *target).c_str());
  } else {
    const auto type = archive_entry_filetype(entry);
    if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK) return false;  // devices, pipes, sockets
  }
  archive_entry_copy_pathname(entry, (root / *below).c_str());
  archive_entry_set_perm(entry, archive_entry_perm(entry) & 0777);
  return true;
}

Result<void> copy_data(archive* reader, archive* writer, const fs::path& file) {
  const void* bytes = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int outcome = archive_read_data_block(reader, &bytes, &size, &offset);
    if (outcome == ARCHIVE_EOF) return {};
    if (outcome < ARCHIVE_WARN) return broken(file, reader);
    if (archive_write_data_block(writer, bytes, size, offset) < ARCHIVE_WARN) {
      return fail(ErrorCode::kInternal, fmt::format("unpack {}: {}", file.string(), archive_error_string(writer)));
    }
  }
}

/// An empty directory, even where the image has something else.
Result<void> make_place(const fs::path& path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::directory) {
    fs::remove(path, error);
    fs::create_directory(path, error);
  }
  if (error) return fail(ErrorCode::kInternal, fmt::format("make {}: {}", path.string(), error.message()));
  return {};
}

/// A file to be mounted on.
Result<void> make_file_place(const fs::path& path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::regular) {
    fs::remove_all(path, error);
    if (!std::ofstream(path)) return fail(ErrorCode::kInternal, fmt::format("make {}", path.string()));
  }
  return {};
}

Result<void> make_places(const fs::path& root) {
  for (const char* directory : {"proc", "dev", "sys", "tmp", "run", "etc", "gust", "gust/code"}) {
    GUST_TRY_VOID(make_place(root / directory));
  }
  for (const char* file : {"etc/resolv.conf", "etc/hosts", "gust/gust-pack"}) {
    GUST_TRY_VOID(make_file_place(root / file));
  }
  return {};
}

/// As chmod a+rX would leave it, without the bits that give another user's rights.
fs::perms permissions_of(const fs::file_status& status) {
  const bool executable =
      status.type() == fs::file_type::directory || (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
  const fs::perms readable = status.permissions() | fs::perms::owner_read | fs::perms::owner_write |
                             fs::perms::group_read | fs::perms::others_read;
  const fs::perms all =
      executable ? readable | fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec : readable;
  return all & fs::perms::all;
}

}  // namespace

Result<ArchiveKind> inspect_archive(const fs::path& file) {
  const Reader reader = GUST_TRY(open_archive(file));
  archive_entry* entry = nullptr;
  for (;;) {
    const int outcome = archive_read_next_header(reader.get(), &entry);
    if (outcome == ARCHIVE_EOF) return ArchiveKind::kRootFileSystem;
    if (outcome < ARCHIVE_WARN) return broken(file, reader.get());
    const std::string path = path_below(archive_entry_pathname(entry)).value_or("");
    if (path == "oci-layout") return ArchiveKind::kOci;
    // `docker save` of today writes both; it comes after oci-layout only in the alphabet of newer engines.
    if (path == "manifest.json") return ArchiveKind::kDocker;
    if (path == "usr" || path == "etc" || path == "bin") return ArchiveKind::kRootFileSystem;
  }
}

Result<void> unpack_root(const fs::path& file, const fs::path& root) {
  std::error_code error;
  fs::create_directory(root, error);
  const fs::path place = fs::canonical(root, error);  // without links, which libarchive would refuse
  if (error) return fail(ErrorCode::kInternal, fmt::format("make {}: {}", root.string(), error.message()));
  const Reader reader = GUST_TRY(open_archive(file));
  const Writer writer(archive_write_disk_new(), archive_write_free);
  archive_write_disk_set_options(writer.get(), ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                                   ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_TIME);
  archive_entry* entry = nullptr;
  std::size_t count = 0;
  for (;;) {
    const int outcome = archive_read_next_header(reader.get(), &entry);
    if (outcome == ARCHIVE_EOF) break;
    if (outcome < ARCHIVE_WARN) return broken(file, reader.get());
    const std::string name = archive_entry_pathname(entry) == nullptr ? "" : archive_entry_pathname(entry);
    if (!GUST_TRY(adapt(entry, file, place))) continue;
    if (archive_write_header(writer.get(), entry) < ARCHIVE_WARN) {
      return fail(ErrorCode::kInvalid, fmt::format("{}: entry '{}': {}; nothing was imported", file.string(), name,
                                                   archive_error_string(writer.get())));
    }
    if (archive_entry_size(entry) > 0) GUST_TRY_VOID(copy_data(reader.get(), writer.get(), file));
    if (archive_write_finish_entry(writer.get()) < ARCHIVE_WARN) {
      return fail(ErrorCode::kInternal,
                  fmt::format("unpack {}: {}", file.string(), archive_error_string(writer.get())));
    }
    ++count;
  }
  if (count == 0) return fail(ErrorCode::kInvalid, fmt::format("{} is an empty archive", file.string()));
  return {};
}

Result<Bytes> prepare_root(const fs::path& root) {
  std::error_code error;
  std::uint64_t size = 0;
  std::vector<fs::path> unwanted;
  fs::permissions(root, fs::perms(0755), error);
  // Before the iterator goes into a directory it has been made readable.
  for (auto at = fs::recursive_directory_iterator(root, error); !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    const fs::file_status status = at->symlink_status(error);
    if (error) break;
    if (status.type() == fs::file_type::symlink) continue;
    if (status.type() != fs::file_type::regular && status.type() != fs::file_type::directory) {
      unwanted.push_back(at->path());
      continue;
    }
    if (status.type() == fs::file_type::regular) size += at->file_size(error);
    if (permissions_of(status) != status.permissions()) fs::permissions(at->path(), permissions_of(status), error);
    if (error) break;
  }
  for (const fs::path& path : unwanted) {
    if (!error) fs::remove(path, error);
  }
  if (error) return fail(ErrorCode::kInternal, fmt::format("prepare {}: {}", root.string(), error.message()));
  GUST_TRY_VOID(make_places(root));
  return Bytes(size);
}

}  // namespace gust::container
