#include "cli/options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

#include "cli/temporary_dir.h"

namespace gust::cli {
namespace {

class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() {
    EXPECT_TRUE(dir_.create("gust-options-test"));
    for (const Setting& setting : settings()) ::unsetenv(std::string(setting.variable).c_str());
    ::unsetenv("GUST_CONFIG");
    ::setenv("XDG_RUNTIME_DIR", dir_.path().c_str(), 1);
    ::setenv("HOME", dir_.path().c_str(), 1);
  }

  std::filesystem::path write(const std::filesystem::path& name, const std::string& text) {
    const std::filesystem::path file = dir_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return file;
  }

  static Result<Config> load(std::vector<std::string> arguments) {
    CLI::App app;
    Options options(app);
    options.add_client().add("--slots", "slots");
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(arguments);
    return options.load();
  }

  TemporaryDir dir_;
};

TEST_F(OptionsTest, FlagsOverrideTheEnvironmentOverridesTheFileOverridesARunningUp) {
  write("gust/up.toml", "endpoint = \"https://up\"\napi_key = \"up:key\"\n");
  EXPECT_EQ(load({})->endpoint, "https://up");
  EXPECT_EQ(load({})->api_key, "up:key");
  write(".config/gust/gust.toml", "endpoint = \"https://home\"\nslots = 1\n");
  EXPECT_EQ(load({})->endpoint, "https://home");
  const std::string file = write("other.toml", "endpoint = \"https://file\"\n");
  EXPECT_EQ(load({"--config", file})->endpoint, "https://file");
  EXPECT_EQ(load({"--config", file})->slots, 0U);  // one file is read, not both
  ::setenv("GUST_ENDPOINT", "https://environment", 1);
  EXPECT_EQ(load({"--config", file})->endpoint, "https://environment");
  EXPECT_EQ(load({"--config", file, "--endpoint", "https://flag"})->endpoint, "https://flag");
  ::unsetenv("GUST_ENDPOINT");
}

TEST_F(OptionsTest, TheKeyOfARunningUpGoesToItsOwnEndpointOnly) {
  write("gust/up.toml", "endpoint = \"https://up\"\napi_key = \"up:key\"\nca_file = \"/up.pem\"\n");
  const auto elsewhere = load({"--endpoint", "https://elsewhere"});
  EXPECT_EQ(elsewhere->api_key, "");
  EXPECT_EQ(elsewhere->ca_file, "");
  EXPECT_EQ(load({"--endpoint", "https://elsewhere", "--api-key", "a:b"})->api_key, "a:b");
}

TEST_F(OptionsTest, AnUpFileThatOthersMayWriteIsNotRead) {
  const auto file = write("gust/up.toml", "endpoint = \"https://trap\"\n");
  std::filesystem::permissions(file, std::filesystem::perms::others_write, std::filesystem::perm_options::add);
  EXPECT_EQ(load({})->endpoint, Config().endpoint);
  std::filesystem::remove(file);
  std::filesystem::create_symlink(write("lure.toml", "endpoint = \"https://trap\"\n"), file);
  EXPECT_EQ(load({})->endpoint, Config().endpoint);
}

TEST_F(OptionsTest, ErrorsNameTheFlagOrTheMissingFile) {
  const auto wrong = load({"--slots", "many"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "slots: 'many' is not a whole number");
  const auto missing = load({"--config", "/nonexistent.toml"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(load({"--insecure"})->insecure);
}

TEST(HideSecrets, ValuesOfSecretFlagsAreOverwritten) {
  std::vector<std::string> line = {"gust",        "status", "--api-key",           "user:key", "--join-token=token",
                                   "--api-key=k", "name",   "--api-key-of-others", "x",        "--api-key"};
  std::vector<char*> argv;
  for (std::string& word : line) argv.push_back(word.data());
  hide_secrets(static_cast<int>(argv.size()), argv.data());
  const std::vector<std::string> expected = {
      "gust",        "status", "--api-key",           "********", "--join-token=*****",
      "--api-key=*", "name",   "--api-key-of-others", "x",        "--api-key"};
  EXPECT_EQ(line, expected);
}

}  // namespace
}  // namespace gust::cli
