#include "openwhisk/zip_package.h"

#include <archive.h>
#include <archive_entry.h>

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gust::openwhisk {
namespace {

struct File {
  std::string name;
  std::string content;
  unsigned type = AE_IFREG;
};

std::string zip(const std::vector<File>& files) {
  std::string bytes(std::size_t{1} << 20, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  EXPECT_EQ(archive_write_open_memory(writer, bytes.data(), bytes.size(), &used), ARCHIVE_OK);
  for (const File& file : files) {
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

const File kMain{.name = "__main__.py", .content = "def main(args): return args\n"};

void expect_refused(const std::string& bytes, const std::string& part) {
  const auto checked = check_python_zip(bytes);
  ASSERT_FALSE(checked) << part;
  EXPECT_NE(checked.error().message.find(part), std::string::npos) << checked.error().message;
}

TEST(ZipPackage, FilesAndFoldersBesideMainAreGood) {
  EXPECT_TRUE(check_python_zip(zip({kMain})));
  EXPECT_TRUE(check_python_zip(
      zip({{.name = "pack/", .content = "", .type = AE_IFDIR}, {.name = "pack/a..b.py", .content = "1"}, kMain})));
  EXPECT_TRUE(check_python_zip(zip({kMain, {.name = "zeroes", .content = std::string(9 << 20, '\0')}})))
      << "what packs well is no bomb while it is small";
}

TEST(ZipPackage, WhatPacksMustNotUnpackIsRefused) {
  expect_refused(zip({}), "");
  expect_refused(zip({{.name = "main.py", .content = "1"}}), "no __main__.py at its top level");
  expect_refused(zip({{.name = "sub/__main__.py", .content = "1"}}), "no __main__.py at its top level");
  for (const char* name : {"../b", "a/../../b", "..", "/etc/b", "..\\b"}) {
    expect_refused(zip({kMain, {.name = name, .content = "1"}}), "leads out of it");
  }
  expect_refused(zip({kMain, {.name = "b", .content = "/etc/passwd", .type = AE_IFLNK}}), "is a link or a device");
  expect_refused(zip({kMain, {.name = "zeroes", .content = std::string(20 << 20, '\0')}}), "looks like a bomb");
}

TEST(ZipPackage, SizesThatContradictEachOtherAreRefused) {
  std::string bytes = zip({kMain, {.name = "b", .content = std::string(1000, 'x')}});
  const std::size_t entry = bytes.rfind("PK\x01\x02");
  ASSERT_NE(entry, std::string::npos);
  bytes.replace(entry + 24, 4, std::string("\0\0\0\x70", 4));
  expect_refused(bytes, "tell different sizes");
}

TEST(ZipPackage, EveryTruncationIsRefused) {
  const std::string bytes = zip({kMain});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(check_python_zip(std::string_view(bytes).substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace gust::openwhisk
