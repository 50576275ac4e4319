// Archives that tests make: whatever entries they want, and images that packs can run in.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "container/images/requirements.h"

namespace gust::container::testing {

/// One entry of an archive that a test makes.
struct Entry {
  std::string path;
  unsigned type = AE_IFREG;
  unsigned mode = 0644;
  std::string text;  ///< content, or where a link leads
  bool hard = false;
};

inline void write_archive(const std::filesystem::path& file, const std::vector<Entry>& entries) {
  archive* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  GUST_CHECK(archive_write_open_filename(writer, file.c_str()) == ARCHIVE_OK, "an archive to write");
  for (const Entry& wanted : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, wanted.path.c_str());
    archive_entry_set_filetype(entry, wanted.type);
    archive_entry_set_perm(entry, wanted.mode);
    if (wanted.hard) archive_entry_set_hardlink(entry, wanted.text.c_str());
    if (wanted.type == AE_IFLNK) archive_entry_set_symlink(entry, wanted.text.c_str());
    const bool has_data = wanted.type == AE_IFREG && !wanted.hard;
    archive_entry_set_size(entry, has_data ? static_cast<la_int64_t>(wanted.text.size()) : 0);
    archive_write_header(writer, entry);
    if (has_data) archive_write_data(writer, wanted.text.data(), wanted.text.size());
    archive_entry_free(entry);
  }
  archive_write_free(writer);
}

/// The libraries that a small program of this machine needs, where it looks for them.
inline std::vector<Entry> loader_and_libc() {
  const Requirements needed = *requirements_of("/proc/self/exe");
  std::vector<Entry> entries{{"usr", AE_IFDIR, 0755, "", false}};
  entries.push_back({needed.loader.substr(1), AE_IFREG, 0755, *read_whole_file(needed.loader), false});
  for (const char* path : {"lib/x86_64-linux-gnu/libc.so.6", "lib/aarch64-linux-gnu/libc.so.6"}) {
    if (std::filesystem::exists(std::filesystem::path("/") / path)) {
      entries.push_back({path, AE_IFREG, 0755, *read_whole_file(std::filesystem::path("/") / path), false});
    }
  }
  return entries;
}

/// An archive that packs can run in, with more entries.
inline void write_image_archive(const std::filesystem::path& file, const std::vector<Entry>& more) {
  std::vector<Entry> entries = loader_and_libc();
  entries.insert(entries.end(), more.begin(), more.end());
  write_archive(file, entries);
}

}  // namespace gust::container::testing
