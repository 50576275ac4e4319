// Containers that run in images, with each driver that has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/images/environment.h"
#include "container/images/import.h"
#include "container/testing/driver_harness.h"
#include "container/testing/image_archive.h"

namespace gust::container::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<const char*> drivers_with_images() {
  std::vector<const char*> names = drivers_here();
  std::erase_if(names, [](std::string_view name) { return is_plain(name); });
  return names;
}

class ImageDriversTest : public ::testing::TestWithParam<const char*> {
 protected:
  /// Different from the others by a file.
  void import(const std::string& name) {
    const fs::path file = harness_.directory() / "image.tar";
    write_image_archive(file, {{"etc/image", AE_IFREG, 0644, name, false}});
    const auto imported = import_image(store_, name, file, GUST_TEST_PACK);
    ASSERT_TRUE(imported) << imported.error().message;
  }
  Result<OtherEnds> start(ContainerId id, const std::string& image) {
    auto [spec, ends] = make_spec(id, "echo");
    spec.image = image;
    std::vector<Spec> specs;
    specs.push_back(std::move(spec));
    GUST_TRY_VOID(harness_.driver().start(std::move(specs)));
    return std::move(ends);
  }
  /// What a path below a container's root holds, read from outside.
  [[nodiscard]] std::string inside(ContainerId id, const std::string& path) const {
    const std::int64_t pid = harness_.launched().at(id).pid;
    return read_whole_file("/proc/" + std::to_string(pid) + "/root/" + path).value_or("none");
  }

  Harness harness_{GetParam()};
  ImageStore store_{harness_.options().image_dir};
};

TEST_P(ImageDriversTest, EachImageIsARootOfItsOwnBesideTheHosts) {
  import("one");
  import("two");
  const auto one = start(1, "one");
  const auto two = start(2, "two");
  const auto host = start(3, "");
  ASSERT_TRUE(one && two && host);
  ASSERT_TRUE(harness_.wait_launched(3));
  for (const auto* ends : {&one, &two, &host}) {
    (*ends)->send("alive");
    EXPECT_EQ((*ends)->receive(), "alive");
  }
  EXPECT_EQ(inside(1, "etc/image"), "one");
  EXPECT_EQ(inside(2, "etc/image"), "two");
  EXPECT_EQ(inside(3, "etc/image"), "none");
}

TEST_P(ImageDriversTest, AnImageThatIsNotThereIsRefusedWithHowToGetIt) {
  const auto lost = start(1, "nowhere");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(lost.error().message, HasSubstr("gust image import nowhere"));
  const auto ends = start(2, "");
  ASSERT_TRUE(harness_.wait_launched(1));
}

TEST_P(ImageDriversTest, AContainerKeepsItsImageWhenTheNameIsTakenAway) {
  import("one");
  auto ends = start(1, "one");
  ASSERT_TRUE(harness_.wait_launched(1));
  EXPECT_FALSE(*store_.remove("one"));
  EXPECT_EQ(inside(1, "etc/image"), "one");
  EXPECT_FALSE(start(2, "one"));
  ends->socket.reset();
  ASSERT_TRUE(harness_.wait_exited(1));
  harness_.destroy_driver();
  EXPECT_TRUE(fs::is_empty(fs::path(harness_.options().image_dir) / "trees")) << "the last to need it removes it";
}

TEST_P(ImageDriversTest, ManyImagesOneAfterTheOtherTakeABoundedNumberOfLaunchers) {
  constexpr ContainerId kImages = 7;
  for (ContainerId id = 1; id <= kImages; ++id) {
    import("image-" + std::to_string(id));
    auto ends = start(id, "image-" + std::to_string(id));
    ASSERT_TRUE(ends);
    ends->send("alive");
    EXPECT_EQ(ends->receive(), "alive");
    ends->socket.reset();
    ASSERT_TRUE(harness_.wait_exited(id));
    EXPECT_EQ(harness_.exited().at(id).failure, "");
  }
  std::size_t launchers = 0;
  for (const auto& entry : fs::directory_iterator(harness_.directory())) {
    if (entry.path().filename().string().starts_with("image-")) ++launchers;
  }
  EXPECT_LE(launchers, 4U);
}

INSTANTIATE_TEST_SUITE_P(Drivers, ImageDriversTest, ::testing::ValuesIn(drivers_with_images()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ImageDriversTest);

TEST(ImageEnvironment, ThePacksVariablesWinButForPathAndLanguage) {
  Image image;
  image.environment = {"PATH=/opt", "HOME=/root", "COLOUR=blue"};
  EXPECT_THAT(with_image_environment(image, {"PATH=/bin", "HOME=/tmp", "A=1"}),
              ElementsAre("PATH=/opt", "HOME=/tmp", "A=1", "COLOUR=blue"));
  image.environment.clear();
  image.command = {"/bin/proxy", "-port", "8080"};
  EXPECT_THAT(with_image_environment(image, {}), ElementsAre("GUST_IMAGE_COMMAND=/bin/proxy\x1f-port\x1f"
                                                             "8080"));
}

TEST(ImageProcessDriver, RefusesImages) {
  Harness harness("process");
  auto [spec, ends] = make_spec(1, "echo");
  spec.image = "one";
  std::vector<Spec> specs;
  specs.push_back(std::move(spec));
  const auto refused = harness.driver().start(std::move(specs));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--driver sandbox"));
}

}  // namespace
}  // namespace gust::container::testing
