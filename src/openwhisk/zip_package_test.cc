#include "openwhisk/zip_package.h"

#include <gtest/gtest.h>
#include <string>

#include "openwhisk/testing/zip.h"

namespace gust::openwhisk {
namespace {

void expect_refused(const std::string& bytes, const std::string& part) {
  const auto checked = check_zip(bytes, {"__main__.py"});
  ASSERT_FALSE(checked) << part;
  EXPECT_NE(checked.error().message.find(part), std::string::npos) << checked.error().message;
}

TEST(ZipPackage, FilesAndFoldersBesideMainAreGood) {
  EXPECT_TRUE(check_zip(make_zip({kZipMain}), {"__main__.py"}));
  EXPECT_TRUE(check_zip(
      make_zip(
          {{.name = "pack/", .content = "", .type = AE_IFDIR}, {.name = "pack/a..b.py", .content = "1"}, kZipMain}),
      {"__main__.py"}));
  EXPECT_TRUE(check_zip(make_zip({{.name = "exec", .content = "#!/bin/sh"}}), {"exec"}));
  EXPECT_TRUE(
      check_zip(make_zip({kZipMain, {.name = "zeroes", .content = std::string(9 << 20, '\0')}}), {"__main__.py"}))
      << "what packs well is no bomb while it is small";
}

TEST(ZipPackage, WhatPacksMustNotUnpackIsRefused) {
  expect_refused(make_zip({}), "");
  expect_refused(make_zip({{.name = "main.py", .content = "1"}}), "no __main__.py at its top level");
  expect_refused(make_zip({{.name = "sub/__main__.py", .content = "1"}}), "no __main__.py at its top level");
  for (const char* name : {"../b", "a/../../b", "..", "/etc/b", "..\\b"}) {
    expect_refused(make_zip({kZipMain, {.name = name, .content = "1"}}), "leads out of it");
  }
  expect_refused(make_zip({kZipMain, {.name = "b", .content = "/etc/passwd", .type = AE_IFLNK}}),
                 "is a link or a device");
  expect_refused(make_zip({kZipMain, {.name = "zeroes", .content = std::string(20 << 20, '\0')}}), "looks like a bomb");
}

TEST(ZipPackage, SizesThatContradictEachOtherAreRefused) {
  std::string bytes = make_zip({kZipMain, {.name = "b", .content = std::string(1000, 'x')}});
  const std::size_t entry = bytes.rfind("PK\x01\x02");
  ASSERT_NE(entry, std::string::npos);
  bytes.replace(entry + 24, 4, std::string("\0\0\0\x70", 4));
  expect_refused(bytes, "tell different sizes");
}

TEST(ZipPackage, EveryTruncationIsRefused) {
  const std::string bytes = make_zip({kZipMain});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(check_zip(std::string_view(bytes).substr(0, size), {"__main__.py"})) << size;
  }
}

}  // namespace
}  // namespace gust::openwhisk
