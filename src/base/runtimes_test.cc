#include "base/runtimes.h"

#include <gtest/gtest.h>

namespace gust {
namespace {

Runtimes parsed(std::string_view text) {
  auto runtimes = parse_runtimes(text);
  EXPECT_TRUE(runtimes) << runtimes.error().message;
  return runtimes ? *std::move(runtimes) : Runtimes();
}

TEST(Runtimes, WhatIsWrittenIsReadBackAsTheSame) {
  const std::string text =
      "lithopscloud/*=python:/home/me/venv;manriurv/lithops-plus-boto3:*=image:lithops,python:/opt/venv;"
      "python:3.9=image:py39;registry.example:5000/team/*=image:*;openwhisk/python3action=host;"
      "nodejs:*=image:node,http;served=http:/opt/server --port 8080";
  const Runtimes runtimes = parsed(text);
  ASSERT_EQ(runtimes.size(), 7U);
  EXPECT_EQ(runtimes[0], (Runtime{.name = "lithopscloud/*", .image = "", .python = "/home/me/venv", .server = ""}));
  EXPECT_EQ(runtimes[5], (Runtime{.name = "nodejs:*", .image = "node", .python = "", .server = "*"}));
  EXPECT_EQ(runtimes[6], (Runtime{.name = "served", .image = "", .python = "", .server = "/opt/server --port 8080"}));
  EXPECT_EQ(
      runtimes[1],
      (Runtime{.name = "manriurv/lithops-plus-boto3:*", .image = "lithops", .python = "/opt/venv", .server = ""}));
  EXPECT_EQ(to_string(runtimes), text);
  EXPECT_EQ(parsed(to_string(runtimes)), runtimes);
}

TEST(Runtimes, SpacesAndAProgramInsteadOfItsFolderMakeNoDifference) {
  EXPECT_EQ(parsed(" a/b = python:/v/bin/python3 ;\n c = image:d , python:/w/ ; "),
            parsed("a/b=python:/v;c=image:d,python:/w"));
  EXPECT_TRUE(parsed("").empty());
}

TEST(Runtimes, ErrorsSayWhichPartIsWrong) {
  const auto expect_refused = [](std::string_view text, std::string_view part) {
    const auto runtimes = parse_runtimes(text);
    ASSERT_FALSE(runtimes) << text;
    EXPECT_EQ(runtimes.error().code, ErrorCode::kInvalid);
    EXPECT_NE(runtimes.error().message.find(part), std::string::npos) << runtimes.error().message;
  };
  expect_refused("lithopscloud/*", "'lithopscloud/*' is no runtime; write NAME=");
  expect_refused("=python:/v", "'' is neither a kind nor an image's name");
  expect_refused("a b=python:/v", "'a b' is neither");
  expect_refused("a=python:venv", "python 'venv' must be the absolute path of a folder with bin/python3");
  expect_refused("a=python:/", "python '/' must be");
  expect_refused("a=docker:/x", "'docker:/x' is nothing that a runtime can be");
  expect_refused("a=http", "'a' is served by nothing: without an image, http needs a command");
  expect_refused("a=image:b,http:", "http: must be followed by the command of a server");
  expect_refused("a=", "'' is nothing");
  expect_refused("a=image:", "'' cannot name an image");
  expect_refused("a=image:b c", "'b c' cannot name an image");
}

TEST(Runtimes, PythonsOfTheHostAreThoseOfNoImage) {
  EXPECT_EQ(host_pythons(parsed("a=python:/v;b=image:i,python:/w;c=python:/x;d=python:/v;e=host")),
            (std::vector<std::string>{"/v", "/x"}));
}

TEST(Runtimes, NamesMatchAsWholesAndAStarIsAnyText) {
  const auto row = [](std::string_view pattern, std::string_view name) {
    return find_runtime(parsed(std::string(pattern) + "=host"), name) != nullptr;
  };
  EXPECT_TRUE(row("lithopscloud/*", "lithopscloud/openwhisk-python-v311"));
  EXPECT_TRUE(row("manriurv/lithops-plus-boto3:*", "manriurv/lithops-plus-boto3:3.9"));
  EXPECT_FALSE(row("manriurv/lithops-plus-boto3:*", "manriurv/lithops-plus-boto3"));
  EXPECT_TRUE(row("*", "anything"));
  EXPECT_TRUE(row("a*b*c", "axxbyybzc"));
  EXPECT_FALSE(row("a*b*c", "axxbyyzd"));
  EXPECT_TRUE(row("a*", "a"));
  EXPECT_FALSE(row("a", "ab"));
  EXPECT_FALSE(row("b", "ab"));
}

TEST(Runtimes, TheRegistryOfDockerMayBeLeftOut) {
  const Runtimes plain = parsed("lithopscloud/*=host;python=host");
  const Runtimes whole = parsed("docker.io/lithopscloud/*=host;docker.io/library/python=host");
  for (const Runtimes& runtimes : {plain, whole}) {
    for (const char* name : {"lithopscloud/x", "docker.io/lithopscloud/x", "python", "docker.io/library/python"}) {
      EXPECT_NE(find_runtime(runtimes, name), nullptr) << name;
    }
    EXPECT_EQ(find_runtime(runtimes, "ghcr.io/lithopscloud/x"), nullptr);
  }
}

TEST(Runtimes, TheFirstRowThatMatchesSaysWherePacksRun) {
  const Runtimes runtimes =
      parsed("lithopscloud/v39=image:py39;lithopscloud/*=python:/v;mine/*=image:*;python:3.9=python:/p39");
  const auto place = [&](std::string_view kind, const std::string& image) {
    return place_runtime(runtimes, kind, image);
  };
  EXPECT_EQ(place("blackbox", "docker.io/lithopscloud/v39"), (RuntimePlace{.image = "py39", .python = ""}));
  EXPECT_EQ(place("blackbox", "docker.io/lithopscloud/v310"), (RuntimePlace{.image = "", .python = "/v"}));
  EXPECT_EQ(place("blackbox", "mine/own:1"), (RuntimePlace{.image = "mine/own:1", .python = ""}));
  EXPECT_EQ(place("python:3.9", ""), (RuntimePlace{.image = "", .python = "/p39"}));
  EXPECT_EQ(place("python:3", ""), (RuntimePlace{}));
  // A row of the kind is not one of an image: who names an image means it.
  EXPECT_EQ(place("python:3.9", "other"), (RuntimePlace{.image = "other", .python = ""}));
}

}  // namespace
}  // namespace gust
