#include "container/python_folders.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/testing/visible_folder.h"

namespace gust::container {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Pythons that are no more than their files. Not below /tmp, which is not a place for one.
class PythonFoldersTest : public ::testing::Test {
 protected:
  PythonFoldersTest() { fs::create_directories(root_); }
  ~PythonFoldersTest() override { fs::remove_all(root_); }

  fs::path make_prefix(const std::string& name) const {
    const fs::path prefix = root_ / name;
    fs::create_directories(prefix / "lib/python3.12");
    make_program(prefix / "bin/python3.12");
    fs::create_symlink("python3.12", prefix / "bin/python3");
    return prefix;
  }
  fs::path make_venv(const std::string& name, const fs::path& python, const std::string& home) const {
    const fs::path venv = root_ / name;
    fs::create_directories(venv / "lib/python3.12/site-packages");
    fs::create_directories(venv / "bin");
    fs::create_symlink(python, venv / "bin/python");
    fs::create_symlink("python", venv / "bin/python3");
    if (!home.empty())
      std::ofstream(venv / "pyvenv.cfg") << "include-system-site-packages = false\nhome = " << home << "\n";
    return venv;
  }
  static void make_program(const fs::path& path) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "#!/bin/sh\n";
    fs::permissions(path, fs::perms(0755));
  }
  static void expect_refused(const fs::path& folder, const std::string& part) {
    const auto folders = folders_of_pythons({folder.string()});
    ASSERT_FALSE(folders);
    EXPECT_EQ(folders.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(folders.error().message, HasSubstr(part));
  }

  fs::path root_ = testing::visible_folder("python-folders");
};

TEST_F(PythonFoldersTest, APrefixIsItself) {
  const fs::path prefix = make_prefix("python");
  EXPECT_THAT(*folders_of_pythons({prefix.string()}), ElementsAre(prefix));
}

TEST_F(PythonFoldersTest, AVirtualenvBringsThePythonThatItWasMadeWith) {
  const fs::path prefix = make_prefix("python");
  const fs::path venv = make_venv("venv", prefix / "bin/python3", (prefix / "bin").string());
  EXPECT_THAT(*folders_of_pythons({venv.string()}), ElementsAre(venv, prefix));
}

TEST_F(PythonFoldersTest, EachPythonOnTheWayIsShown) {
  const fs::path prefix = make_prefix("python");
  const fs::path between = make_venv("between", prefix / "bin/python3", "");
  // Its Python was copied, so only its file says where the library is.
  const fs::path other = make_prefix("other");
  const fs::path venv = make_venv("venv", between / "bin/python", (other / "bin").string());
  EXPECT_THAT(*folders_of_pythons({venv.string()}), ElementsAre(venv, between, prefix, other));
}

TEST_F(PythonFoldersTest, WhatIsSharedOrLiesInAnotherIsShownOnce) {
  const fs::path prefix = make_prefix("python");
  const fs::path one = make_venv("one", prefix / "bin/python3", "");
  const fs::path inside = make_venv("python/venv", prefix / "bin/python3", "");
  EXPECT_THAT(*folders_of_pythons({one.string(), inside.string()}), ElementsAre(one, prefix));
  EXPECT_THAT(*folders_of_pythons({inside.string(), one.string()}), ElementsAre(prefix, one));
}

TEST_F(PythonFoldersTest, WhatIsInUsrIsSeenAnyway) {
  const fs::path venv = make_venv("venv", "/usr/bin/env", "/usr/bin");
  EXPECT_THAT(*folders_of_pythons({venv.string()}), ElementsAre(venv));
  if (fs::exists("/usr/bin/python3")) {
    EXPECT_THAT(*folders_of_pythons({"/usr"}), IsEmpty());
  }
}

TEST_F(PythonFoldersTest, WhatHasNoPythonIsRefused) {
  expect_refused(root_ / "nothing", "there is no program " + (root_ / "nothing/bin/python3").string());
  fs::create_directories(root_ / "venv/bin");
  fs::create_symlink("/nonexistent/python3", root_ / "venv/bin/python3");
  expect_refused(root_ / "venv", "there is no program");
}

TEST_F(PythonFoldersTest, OneThatWouldShowSomebodysHomeIsRefused) {
  make_program(root_ / "home/bin/python3");
  std::ofstream(root_ / "home/secret") << "secret";
  expect_refused(root_ / "home", "has no lib/python3.*");
}

TEST_F(PythonFoldersTest, OneInAPlaceThatContainersHaveOfTheirOwnIsRefused) {
  const fs::path folder = "/tmp/gust-python-" + random_hex_id();
  make_program(folder / "bin/python3");
  fs::create_directories(folder / "lib/python3.12");
  expect_refused(folder, "cannot be shown to containers, which have a /tmp of their own; move it");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace gust::container
