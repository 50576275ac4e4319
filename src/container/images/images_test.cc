// The store of images, and what archives may do to it.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/files.h"
#include "base/ids.h"
#include "container/images/image_store.h"
#include "container/images/import.h"
#include "container/images/requirements.h"
#include "container/images/unpack.h"
#include "container/testing/image_archive.h"

namespace gust::container {
namespace {

namespace fs = std::filesystem;
using testing::Entry;
using ::testing::HasSubstr;
using testing::write_archive;

class ImagesTest : public ::testing::Test {
 protected:
  ImagesTest() { fs::create_directory(directory_); }
  ~ImagesTest() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  /// An archive that packs can run in, with more entries.
  fs::path archive(const std::string& name, const std::vector<Entry>& more) {
    testing::write_image_archive(directory_ / name, more);
    return directory_ / name;
  }
  Result<Image> import(const std::string& name, const fs::path& file) {
    return import_image(store_, name, file, "/proc/self/exe");
  }
  std::size_t count(const char* part) {
    std::error_code ignored;
    const fs::directory_iterator begin(directory_ / "images" / part, ignored);
    return static_cast<std::size_t>(std::distance(begin, fs::directory_iterator()));
  }

  fs::path directory_ = fs::temp_directory_path() / ("gust-images-" + random_hex_id());
  ImageStore store_{directory_ / "images"};
};

TEST_F(ImagesTest, ANameLeadsToTheTreeUntilItIsTakenAway) {
  ASSERT_TRUE(import("debian:12", archive("a.tar", {{"etc/marker", AE_IFREG, 0644, "one", false}})));
  {
    const auto held = store_.hold("debian:12");
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_EQ(*read_whole_file(held->image.root / "etc/marker"), "one");
    EXPECT_TRUE(store_.list()->front().in_use);
  }
  EXPECT_FALSE(store_.list()->front().in_use);
  EXPECT_EQ(store_.list()->front().name, "debian:12");
  EXPECT_TRUE(*store_.remove("debian:12"));
  EXPECT_EQ(store_.hold("debian:12").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(store_.hold("debian:12").error().message, HasSubstr("gust image import debian:12"));
  EXPECT_EQ(store_.remove("debian:12").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(count("trees") + count("incoming") + count("names"), 0U);
}

TEST_F(ImagesTest, TheSameContentIsKeptOnce) {
  const fs::path file = archive("a.tar", {});
  ASSERT_TRUE(import("a", file));
  ASSERT_TRUE(import("org/b", file));
  EXPECT_EQ(count("trees"), 1U);
  EXPECT_EQ(store_.list()->size(), 2U);
  EXPECT_FALSE(*store_.remove("a")) << "org/b still needs it";
  EXPECT_TRUE(store_.hold("org/b"));
  EXPECT_TRUE(*store_.remove("org/b"));
}

TEST_F(ImagesTest, WhatIsHeldStaysWhenItsNameIsGoneOrMeansAnother) {
  ASSERT_TRUE(import("a", archive("one.tar", {{"etc/marker", AE_IFREG, 0644, "one", false}})));
  auto held = store_.hold("a");
  ASSERT_TRUE(import("a", archive("two.tar", {{"etc/marker", AE_IFREG, 0644, "two", false}})));
  EXPECT_EQ(*read_whole_file(held->image.root / "etc/marker"), "one");
  EXPECT_EQ(*read_whole_file(store_.hold("a")->image.root / "etc/marker"), "two");
  store_.clean();
  EXPECT_TRUE(fs::exists(held->image.root));
  held->lock.reset();
  store_.clean();
  EXPECT_FALSE(fs::exists(held->image.root));
  EXPECT_EQ(count("trees"), 1U);
}

TEST_F(ImagesTest, AnImportThatIsKilledLeavesNothingThatIsUsed) {
  ASSERT_TRUE(import("a", archive("a.tar", {})));
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    auto incoming = store_.begin();
    if (!incoming) _exit(1);
    fs::create_directories(incoming->root() / "usr");
    if (write(pipe_ends[1], "x", 1) != 1) _exit(1);
    while (true) pause();
  }
  char unpacking = 0;
  ASSERT_EQ(read(pipe_ends[0], &unpacking, 1), 1);
  store_.clean();
  EXPECT_EQ(count("incoming"), 1U) << "it is still being made";
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_EQ(store_.list()->size(), 1U);
  ASSERT_TRUE(store_.begin());
  EXPECT_EQ(count("incoming"), 0U);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_F(ImagesTest, NothingIsWrittenOutsideTheTree) {
  const fs::path victim = directory_ / "victim";
  const std::string up = "../../../../victim";
  const std::vector<std::vector<Entry>> attacks = {
      {{"etc/" + up, AE_IFREG, 0644, "x", false}},
      {{"usr/link", AE_IFLNK, 0777, directory_, false}, {"usr/link/victim", AE_IFREG, 0644, "x", false}},
      {{"usr/hard", AE_IFREG, 0644, "../../../../a.tar", true}},
      {{"usr/link", AE_IFLNK, 0777, directory_, false}, {"usr/hard", AE_IFREG, 0644, "usr/link/attack.tar", true}},
  };
  for (const auto& attack : attacks) {
    const auto imported = import("a", archive("attack.tar", attack));
    EXPECT_FALSE(imported) << attack.back().path;
    if (!imported) {
      EXPECT_EQ(imported.error().code, ErrorCode::kInvalid) << imported.error().message;
      EXPECT_THAT(imported.error().message, HasSubstr("nothing was imported"));
    }
    EXPECT_FALSE(fs::exists(victim));
    EXPECT_TRUE(store_.list()->empty());
    EXPECT_EQ(count("incoming"), 0U);
  }
  // An absolute name is one below the root.
  const auto absolute = import("a", archive("absolute.tar", {{victim, AE_IFREG, 0644, "x", false}}));
  ASSERT_TRUE(absolute) << absolute.error().message;
  EXPECT_FALSE(fs::exists(victim));
  EXPECT_TRUE(fs::exists(store_.hold("a")->image.root / victim.relative_path()));
}

TEST_F(ImagesTest, DevicesAndSetUserIdBitsAreLeftOutAndAllCanBeRead) {
  const auto imported = import("a", archive("a.tar", {{"dev/mem", AE_IFCHR, 0666, "", false},
                                                      {"usr/fifo", AE_IFIFO, 0666, "", false},
                                                      {"usr/su", AE_IFREG, 06755, "x", false},
                                                      {"usr/secret", AE_IFREG, 0600, "x", false},
                                                      {"usr/closed", AE_IFDIR, 0000, "", false},
                                                      {"tmp", AE_IFLNK, 0777, "/etc", false},
                                                      {"etc/resolv.conf", AE_IFLNK, 0777, "/nowhere", false}}));
  ASSERT_TRUE(imported) << imported.error().message;
  const fs::path root = store_.hold("a")->image.root;
  EXPECT_FALSE(fs::exists(fs::symlink_status(root / "dev/mem")));
  EXPECT_FALSE(fs::exists(fs::symlink_status(root / "usr/fifo")));
  EXPECT_EQ(fs::status(root / "usr/su").permissions(), fs::perms(0755));
  EXPECT_EQ(fs::status(root / "usr/secret").permissions(), fs::perms(0644));
  EXPECT_EQ(fs::status(root / "usr/closed").permissions(), fs::perms(0755));
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(root / "tmp")));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(root / "etc/resolv.conf")));
  EXPECT_TRUE(fs::is_regular_file(root / "gust/gust-pack"));
}

TEST_F(ImagesTest, SaysWhatAnImageLacks) {
  write_archive(directory_ / "musl.tar", {{"lib/ld-musl-x86_64.so.1", AE_IFREG, 0755, "x", false}});
  const auto imported = import("a", directory_ / "musl.tar");
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.error().message, HasSubstr("packs need glibc"));
  EXPECT_TRUE(store_.list()->empty());

  ASSERT_TRUE(import("a", archive("a.tar", {})));
  Requirements future = *requirements_of("/proc/self/exe");
  future.libc_version = "GLIBC_2.999";
  EXPECT_THAT(check_image(store_.hold("a")->image.root, future).error().message,
              HasSubstr("packs need glibc 2.999 or newer"));
  future = *requirements_of("/proc/self/exe");
  future.machine += 1;
  EXPECT_THAT(check_image(store_.hold("a")->image.root, future).error().message, HasSubstr("another processor"));
}

TEST_F(ImagesTest, SaysWhatIsWrongWithASource) {
  EXPECT_THAT(import("a", directory_ / "none.tar").error().message, HasSubstr("there is no file"));
  std::ofstream(directory_ / "text.tar") << "no archive";
  EXPECT_EQ(import("a", directory_ / "text.tar").error().code, ErrorCode::kInvalid);
  write_archive(directory_ / "empty.tar", {});
  EXPECT_EQ(import("a", directory_ / "empty.tar").error().code, ErrorCode::kInvalid);
  for (const char* name : {"", "host", "../x", "a b", "-x", "a%b"}) {
    EXPECT_EQ(import(name, directory_ / "empty.tar").error().code, ErrorCode::kInvalid) << name;
    EXPECT_EQ(store_.hold(name).error().code, ErrorCode::kInvalid) << name;
  }
}

TEST_F(ImagesTest, KnowsTheKindsOfArchives) {
  write_archive(directory_ / "docker.tar",
                {{"abc.json", AE_IFREG, 0644, "{}", false}, {"manifest.json", AE_IFREG, 0644, "[]", false}});
  write_archive(directory_ / "oci.tar",
                {{"blobs", AE_IFDIR, 0755, "", false}, {"oci-layout", AE_IFREG, 0644, "{}", false}});
  EXPECT_EQ(*inspect_archive(directory_ / "docker.tar"), ArchiveKind::kDocker);
  EXPECT_EQ(*inspect_archive(directory_ / "oci.tar"), ArchiveKind::kOci);
  EXPECT_EQ(*inspect_archive(archive("a.tar", {})), ArchiveKind::kRootFileSystem);
}

}  // namespace
}  // namespace gust::container
