#include "openwhisk/zip_package.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <ranges>
#include <string>

namespace gust::openwhisk {

namespace {

constexpr std::size_t kLongestShown = 200;

std::unexpected<Error> refuse(std::string sentence) {
  return fail(ErrorCode::kInvalid, "exec.code: " + std::move(sentence));
}

std::string shown(std::string_view name) { return std::string(name.substr(0, kLongestShown)); }

bool leads_out(std::string_view name) {
  if (name.starts_with('/') || name.find('\\') != std::string_view::npos) return true;
  return std::ranges::any_of(name | std::views::split('/'),
                             [](auto part) { return std::string_view(part.begin(), part.end()) == ".."; });
}

/// Other warnings are of names that this process's locale cannot hold.
bool contradicts_itself(archive* reader) {
  const char* warning = archive_error_string(reader);
  return warning != nullptr && std::string_view(warning).starts_with("Inconsistent");
}

Result<void> check_entry(archive_entry* entry) {
  const char* path = archive_entry_pathname(entry);
  if (path == nullptr) return refuse("the zip archive has an entry whose name cannot be read; use UTF-8 names");
  if (leads_out(path)) {
    return refuse(fmt::format("the zip archive has an entry '{}', which leads out of it; make it with relative paths",
                              shown(path)));
  }
  if (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != AE_IFDIR) {
    return refuse(fmt::format("the zip archive has an entry '{}' that is a link or a device; put the file itself in",
                              shown(path)));
  }
  if (archive_entry_is_data_encrypted(entry) != 0) {
    return refuse(
        fmt::format("the zip archive has an entry '{}' that is encrypted; make it without a password", shown(path)));
  }
  return {};
}

Result<void> check_totals(std::uint64_t entries, std::uint64_t unpacked, std::uint64_t packed) {
  if (entries > kMaxEntries) {
    return fail(ErrorCode::kTooLarge, fmt::format("exec.code: the zip archive has more than {} entries", kMaxEntries));
  }
  if (unpacked > kMaxUnpacked.count()) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("exec.code: the zip archive unpacks to more than {}: load what is large at run time",
                            to_string(kMaxUnpacked)));
  }
  if (unpacked > kRatioMatters.count() && unpacked / kMaxRatio > packed) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("exec.code: the zip archive unpacks to more than {} times its size; it looks like a bomb",
                            kMaxRatio));
  }
  return {};
}

}  // namespace

Result<void> check_zip(std::string_view bytes, std::initializer_list<std::string_view> mains) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  // By the directory at the archive's end, as Python reads it. What stands before each file must say the same.
  archive_read_support_format_zip_seekable(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return refuse(mains.size() == 0 ? std::string("it is not a zip archive")
                                    : fmt::format("it is not a zip archive; zip the files with {} at the top level",
                                                  fmt::join(mains, " or ")));
  }
  std::uint64_t entries = 0;
  std::uint64_t unpacked = 0;
  bool has_main = mains.size() == 0;
  archive_entry* entry = nullptr;
  int state = ARCHIVE_OK;
  while ((state = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK || state == ARCHIVE_WARN) {
    if (state == ARCHIVE_WARN && contradicts_itself(reader.get())) {
      return refuse("the zip archive is damaged: its directory and its files tell different sizes");
    }
    GUST_TRY_VOID(check_entry(entry));
    const la_int64_t size = archive_entry_size(entry);
    if (size < 0) return refuse("the zip archive is damaged: an entry has a negative size");
    unpacked += static_cast<std::uint64_t>(size);
    GUST_TRY_VOID(check_totals(++entries, unpacked, bytes.size()));
    has_main = has_main || std::ranges::find(mains, std::string_view(archive_entry_pathname(entry))) != mains.end();
  }
  if (state != ARCHIVE_EOF) {
    const char* why = archive_error_string(reader.get());
    return refuse(fmt::format("it cannot be read as a zip archive: {}", why != nullptr ? why : "it is damaged"));
  }
  if (has_main) return {};
  return refuse(fmt::format("the zip archive has no {} at its top level; put the file with the code there",
                            fmt::join(mains, " or ")));
}

}  // namespace gust::openwhisk
