// Pythons of the host that lie outside of its programs, as containers see them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/testing/driver_harness.h"
#include "container/testing/visible_folder.h"

namespace gust::container::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// The drivers that show containers a root of their own.
class DriverPythonTest : public ::testing::TestWithParam<const char*> {
 public:
  ~DriverPythonTest() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

 protected:
  DriverPythonTest() {
    fs::create_directories(python_ / "bin");
    fs::create_directories(python_ / "lib/python3.12");
    std::ofstream(python_ / "bin/python3") << "program";
    fs::permissions(python_ / "bin/python3", fs::perms(0755));
    std::ofstream(root_ / "private") << "secret";
    fs::permissions(root_, fs::perms(0700));  // as home directories are: only what is below is shown
    options_ = {
        .pack_binary = GUST_TEST_PACK, .launcher_binary = launcher_for(GUST_TEST_PACK), .state_dir = root_ / "state"};
    options_.pythons = {python_.string()};
  }
  static std::string look(Driver& driver, ContainerId id, const fs::path& path) {
    auto [spec, ends] = make_spec(id, "look", path.string());
    std::vector<Spec> specs;
    specs.push_back(std::move(spec));
    EXPECT_TRUE(driver.start(std::move(specs)));
    return ends.receive();
  }

  fs::path root_ = visible_folder("driver-python");
  fs::path python_ = root_ / "home/venv";
  DriverOptions options_;
};

TEST_P(DriverPythonTest, ContainersReadItAtItsPathAndNothingBesideIt) {
  const auto driver = Harness::make(GetParam(), options_);
  ASSERT_TRUE(driver) << driver.error().message;
  EXPECT_EQ(look(**driver, 1, python_ / "bin/python3"), "program, fixed");
  EXPECT_EQ(look(**driver, 2, root_ / "private"), "No such file or directory");
}

TEST_P(DriverPythonTest, OneThatIsNotThereStopsTheDriver) {
  options_.pythons.push_back((root_ / "nothing").string());
  const auto driver = Harness::make(GetParam(), options_);
  ASSERT_FALSE(driver);
  EXPECT_EQ(driver.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(driver.error().message, HasSubstr("there is no program " + (root_ / "nothing/bin/python3").string()));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DriverPythonTest);
INSTANTIATE_TEST_SUITE_P(Drivers, DriverPythonTest, ::testing::ValuesIn(isolating_drivers()), [](const auto& test) {
  std::string name = test.param;
  std::ranges::replace(name, ' ', '_');
  return name;
});

}  // namespace
}  // namespace gust::container::testing
