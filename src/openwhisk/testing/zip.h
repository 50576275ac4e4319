// Zip archives as clients make them, and as attackers do.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gust::openwhisk {

struct ZipFile {
  std::string name;
  std::string content;
  unsigned type = AE_IFREG;
};

inline std::string make_zip(const std::vector<ZipFile>& files) {
  std::string bytes(std::size_t{1} << 20, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  EXPECT_EQ(archive_write_open_memory(writer, bytes.data(), bytes.size(), &used), ARCHIVE_OK);
  for (const ZipFile& file : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, file.name.c_str());
    archive_entry_set_filetype(entry, file.type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(file.content.size()));
    if (file.type == AE_IFLNK) archive_entry_set_symlink(entry, file.content.c_str());
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
    if (file.type == AE_IFREG) {
      EXPECT_EQ(archive_write_data(writer, file.content.data(), file.content.size()),
                static_cast<la_ssize_t>(file.content.size()));
    }
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

inline const ZipFile kZipMain{.name = "__main__.py", .content = "def main(args): return args\n"};

}  // namespace gust::openwhisk
