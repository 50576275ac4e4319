#include "base/config.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace gust {
namespace {

using std::chrono::milliseconds;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    for (const Setting& setting : settings()) ::unsetenv(std::string(setting.variable).c_str());
  }
  ~ConfigTest() override { std::filesystem::remove(file_); }

  Result<void> load(const std::string& text) {
    std::ofstream(file_) << text;
    return load_file(config_, file_);
  }
  /// What load() must say, behind the file's name.
  void expect_refused(const std::string& text, const std::string& message) {
    const auto loaded = load(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(loaded.error().message, file_.string() + message);
  }

  Config config_;
  std::filesystem::path file_ =
      std::filesystem::path(::testing::TempDir()) / ("gust-config-test-" + std::to_string(::getpid()) + ".toml");
};

TEST_F(ConfigTest, TheEnvironmentOverridesTheFileAndTheFileTheDefaults) {
  ::setenv("GUST_SLOTS", "7", 1);
  ASSERT_TRUE(load("slots = 4\nqueue_limit = 12\n"));
  EXPECT_EQ(config_.slots, 4U);
  ASSERT_TRUE(load_environment(config_));
  EXPECT_EQ(config_.slots, 7U);
  EXPECT_EQ(config_.queue_limit, 12U);
  EXPECT_EQ(config_.listen, Config().listen);
}

TEST_F(ConfigTest, EveryKindOfSettingIsReadFromAFile) {
  ASSERT_TRUE(load("insecure = true\nmemory = \"3 GiB\"\ncontroller_grace = \"250ms\"\ntransport = \"tls\"\n"));
  EXPECT_TRUE(config_.insecure);
  EXPECT_EQ(config_.memory, Bytes::mb(3072));
  EXPECT_EQ(config_.controller_grace, milliseconds(250));
  EXPECT_EQ(config_.transport, "tls");
}

TEST_F(ConfigTest, WhatIsPrintedIsReadBackAsTheSame) {
  ASSERT_TRUE(
      load("slots = 3\nmemory = \"512MB\"\ninvoker_silence = \"1500ms\"\nca_file = \"/x\"\n"
           "runtimes = \"a/*=python:/v\"\n"));
  Config copy;
  for (const Setting& setting : settings()) ASSERT_TRUE(setting.set(copy, setting.get(config_))) << setting.name;
  for (const Setting& setting : settings()) EXPECT_EQ(setting.get(copy), setting.get(config_)) << setting.name;
}

TEST_F(ConfigTest, RuntimesAreTablesOrOneText) {
  ASSERT_TRUE(
      load("[[runtimes]]\nname = \"lithopscloud/*\"\npython = \"/v\"\n\n"
           "[[runtimes]]\nname = \"python:3.9\"\nimage = \"py39\"\npython = \"/opt/v\"\n\n"
           "[[runtimes]]\nname = \"openwhisk/*\"\n"));
  const Runtimes as_tables = config_.runtimes;
  EXPECT_EQ(to_string(as_tables), "lithopscloud/*=python:/v;python:3.9=image:py39,python:/opt/v;openwhisk/*=host");
  ASSERT_TRUE(load("runtimes = \"" + to_string(as_tables) + "\"\n"));
  EXPECT_EQ(config_.runtimes, as_tables);
  ::setenv("GUST_RUNTIMES", "a=host", 1);
  ASSERT_TRUE(load_environment(config_));
  EXPECT_EQ(to_string(config_.runtimes), "a=host");
  expect_refused("[[runtimes]]\nname = \"a\"\npath = \"/v\"\n",
                 ":1:1: runtimes: a runtime has no 'path'; it has name, and image, python or http");
  expect_refused("[[runtimes]]\nname = \"a;b=host\"\n", ":1:1: runtimes: name must be a text without ';' and ','");
  expect_refused("[[runtimes]]\nname = \"a\"\npython = \"venv\"\n",
                 ":1:1: runtimes: python 'venv' must be the absolute path of a folder with bin/python3, such as a "
                 "virtualenv");
}

TEST_F(ConfigTest, ErrorsNameFileLineAndColumn) {
  expect_refused("slots = 4\n\nslotz = 5\n", ":3:9: there is no setting 'slotz'; gust config lists them");
  expect_refused("\nslots = \"many\"\n", ":2:9: slots: 'many' is not a whole number");
  expect_refused("slots = -1\n", ":1:9: slots: '-1' is not a whole number");
  expect_refused("slots = 4294967296\n", ":1:9: slots: '4294967296' is not a whole number");
  expect_refused("insecure = \"yes\"\n", ":1:12: insecure: 'yes' is neither true nor false");
  expect_refused("transport = \"udp\"\n", ":1:13: transport: 'udp' is not one of both, tls, plain");
  expect_refused("slots = [1]\n", ":1:9: slots: expected a text, a whole number or a truth value");
  const auto torn = load("slots = 4\nlisten = \n");
  ASSERT_FALSE(torn);
  EXPECT_TRUE(torn.error().message.starts_with(file_.string() + ":2:")) << torn.error().message;
}

TEST_F(ConfigTest, AMissingFileIsNotFound) {
  const auto loaded = load_file(config_, "/nonexistent/gust.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
}

TEST_F(ConfigTest, ErrorsOfTheEnvironmentNameTheVariable) {
  ::setenv("GUST_CONTROLLER_GRACE", "soon", 1);
  const auto loaded = load_environment(config_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message,
            "GUST_CONTROLLER_GRACE: 'soon' is not a duration; write for example 250ms, 3s, 2m, 12h or 7d");
}

TEST_F(ConfigTest, NamesAndVariablesAreUnique) {
  for (const Setting& setting : settings()) {
    EXPECT_EQ(find_setting(setting.name), &setting);
    EXPECT_TRUE(setting.variable.starts_with("GUST_"));
  }
  EXPECT_EQ(find_setting("nothing"), nullptr);
}

TEST(Duration, UnitsAndBounds) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("3s"), milliseconds(3000));
  EXPECT_EQ(parse_duration("2m"), milliseconds(120'000));
  EXPECT_EQ(parse_duration("12h"), milliseconds(43'200'000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(604'800'000));
  EXPECT_EQ(parse_duration("17"), milliseconds(17));
  EXPECT_EQ(parse_duration("0"), milliseconds(0));
  for (const char* wrong : {"", "s", "-1s", "1w", "1.5s", "3 s", "99999999999999999999", "1000000001m"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(HostPortText, HostsAndPorts) {
  const auto expect = [](const char* text, const char* host, std::uint16_t port) {
    const auto parsed = parse_host_port(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->host, host);
    EXPECT_EQ(parsed->port, port);
  };
  expect("example.org:80", "example.org", 80);
  expect("3233", "127.0.0.1", 3233);
  expect("[::1]:0", "::1", 0);
  for (const char* wrong :
       {"", ":80", "host:", "host:65536", "host:-1", "host:80x", "::1", "[]:80", "[::1:80", "a:b:1"}) {
    EXPECT_FALSE(parse_host_port(wrong)) << wrong;
  }
}

TEST(Numbers, OfNamespaces) {
  Config config;
  const Setting& quotas = *find_setting("quotas");
  ASSERT_TRUE(quotas.set(config, "guest=480, lab=96"));
  EXPECT_EQ(config.quotas, (NamespaceNumbers{{"guest", 480}, {"lab", 96}}));
  EXPECT_EQ(quotas.get(config), "guest=480, lab=96");
  ASSERT_TRUE(quotas.set(config, ""));
  EXPECT_TRUE(config.quotas.empty());
  for (const char* wrong : {"guest", "guest=", "=4", "guest=0", "guest=x", "guest=1,guest=2", ","}) {
    EXPECT_FALSE(quotas.set(config, wrong)) << wrong;
  }
  EXPECT_EQ(quotas.set(config, "lab=-1").error().message,
            "'lab=-1' is not a namespace and a number from 1 on; write for example guest=480, lab=96");
}

}  // namespace
}  // namespace gust
