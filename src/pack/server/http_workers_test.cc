// What an invoker sees of packs whose workers are servers of action containers: a small one in Python, that serves port
// 8080 as all of them do.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/wait.h>

#include "base/encoding.h"
#include "pack/pack_process.h"
#include "pack/run.h"

namespace gust::pack {
namespace {

using Json = nlohmann::json;

class HttpWorkersTest : public testing::Test {
 protected:
  HttpWorkersTest() {
    serve_with({"/usr/bin/python3", "-B", GUST_TEST_SERVER});
    ::setenv("__OW_ACTION_VERSION", "0.0.7", 1);
  }
  ~HttpWorkersTest() override {
    std::remove(path_.c_str());
    for (const char* name : {"GUST_SERVER", "GUST_IMAGE_COMMAND", "GUST_PYTHON", "__OW_ACTION_VERSION"})
      ::unsetenv(name);
  }

  static void serve_with(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : "\x1f") + word;
    ::setenv("GUST_SERVER", text.c_str(), 1);
  }
  static void serve_with_flag(const std::string& flag) {
    serve_with({"/usr/bin/python3", "-B", GUST_TEST_SERVER, flag});
  }
  protocol::StartMessage action(const std::string& code, const std::vector<std::string>& params) {
    path_ = testing::TempDir() + "/http_workers_test_" + std::to_string(getpid());
    std::ofstream(path_, std::ios::binary) << code;
    protocol::StartMessage start = start_message("", params);
    start.kind = "http";
    start.code_path = path_;
    return start;
  }
  PackStory run(const std::vector<std::string>& params, const std::string& code = "source") {
    return run_to_end(action(code, params));
  }
  PackStory run_single(const std::string& params, const std::string& code = "source") {
    protocol::StartMessage start = action(code, {params});
    start.is_single = true;
    return run_to_end(start);
  }
  static Json result(const PackStory& story, std::uint32_t worker) {
    return Json::parse(story.result_of(worker).result, nullptr, false);
  }

  std::string path_;
};

TEST_F(HttpWorkersTest, EachWorkerIsAServerOfItsOwn) {
  std::vector<std::string> params;
  for (int i = 0; i < 5; ++i) params.push_back(R"({"name":"w)" + std::to_string(i) + "\"}");
  const PackStory story = run(params, "line 1\n\"line 2\"\\\x01");
  ASSERT_FALSE(story.load_failed) << *story.load_failed << story.output;
  EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFinished);
  ASSERT_EQ(story.finished.size(), 5U) << story.output;
  std::set<int> processes;
  for (std::uint32_t i = 0; i < 5; ++i) {
    const Json answer = result(story, i);
    EXPECT_EQ(answer["param"], Json::parse(params[i]));
    EXPECT_EQ(answer["init"]["code"], "line 1\n\"line 2\"\\\x01");
    EXPECT_EQ(answer["told"]["burst_info"], Json({{"pack", {0, 4}}, {"size", 5}, {"worker", i}}));
    processes.insert(answer["pid"].get<int>());
    const std::string mark = "[worker " + std::to_string(i) + "] ";
    EXPECT_NE(story.output.find(mark + "hello from w" + std::to_string(i) + "\n"), std::string::npos) << story.output;
    EXPECT_LE(story.loaded->loaded_us, story.result_of(i).function_started_us);
    EXPECT_LE(story.result_of(i).function_started_us, story.result_of(i).function_ended_us);
  }
  EXPECT_EQ(processes.size(), 5U);
  EXPECT_EQ(story.output.find("XXX_THE_END"), std::string::npos) << "the ends of logs are no part of them";
}

TEST_F(HttpWorkersTest, ASingleInvocationIsTheContractOfOpenWhisk) {
  const PackStory story = run_single(R"({"name":"you"})");
  ASSERT_FALSE(story.load_failed) << *story.load_failed << story.output;
  EXPECT_EQ(story.output, "hello from you\n");
  const Json answer = result(story, 0);
  const Json& init = answer["init"];
  EXPECT_EQ(init["name"], "test");
  EXPECT_EQ(init["main"], "main");
  EXPECT_EQ(init["binary"], false);
  EXPECT_EQ(init["code"], "source");
  EXPECT_EQ(init["env"]["__OW_ACTION_VERSION"], "0.0.7");
  const Json& told = answer["told"];
  for (const char* name : {"namespace", "action_name", "action_version", "activation_id", "transaction_id", "deadline"})
    EXPECT_TRUE(told[name].is_string()) << name;
  EXPECT_EQ(told["action_name"], "/guest/test");
  EXPECT_FALSE(told.contains("burst_info"));
}

TEST_F(HttpWorkersTest, BinaryCodeIsBase64AndNoCodeIsNull) {
  for (std::size_t size : {1U, 2U, 3U, 1000U}) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37);
    protocol::StartMessage start = action(bytes, {"{}"});
    start.is_binary = true;
    start.main = "Main.go";
    const Json init = result(run_to_end(start), 0)["init"];
    EXPECT_EQ(init["code"], base64_encode(bytes));
    EXPECT_EQ(init["binary"], true);
    EXPECT_EQ(init["main"], "Main.go");
  }
  EXPECT_TRUE(result(run({"{}"}, ""), 0)["init"]["code"].is_null());
}

TEST_F(HttpWorkersTest, ServersOfAllSortsAreUnderstood) {
  for (const char* flag : {"--ipv6", "--keep"}) {
    serve_with_flag(flag);
    EXPECT_EQ(result(run({"{}", "{}"}), 1)["init"]["code"], "source") << flag;
  }
  EXPECT_EQ(result(run({R"({"do":"chunks"})"}), 0), Json({{"in", "parts"}}));
  const PackStory large = run({R"({"do":"large","size":9000000})"});
  EXPECT_GT(large.result_of(0).result.size(), 9'000'000U);
}

TEST_F(HttpWorkersTest, NobodyElseReachesAServer) {
  const PackStory story = run({R"({"do":"look"})", R"({"do":"look"})"});
  ASSERT_FALSE(story.load_failed) << *story.load_failed << story.output;
  for (std::uint32_t i = 0; i < 2; ++i) {
    const Json neighbours = result(story, i)["neighbours"];
    // Other programs of this machine may listen and be reached; the other worker is there and is not.
    EXPECT_NE(std::count(neighbours.begin(), neighbours.end(), "refused"), 0) << neighbours;
  }
}

TEST_F(HttpWorkersTest, InABurstAnErrorIsItsWorkersResult) {
  const PackStory story = run({R"({"do":"status"})", R"({"do":"text"})", R"({"do":"error"})", R"({"do":"hang up"})",
                               R"({"do":"large","size":17000000})", "{}"});
  ASSERT_FALSE(story.load_failed) << *story.load_failed << story.output;
  const auto expect_error = [&](std::uint32_t worker, const std::string& part) {
    EXPECT_FALSE(story.result_of(worker).ok);
    EXPECT_NE(story.result_of(worker).result.find(part), std::string::npos) << story.result_of(worker).result;
  };
  expect_error(0, R"(answered /run with status 502: {"error": "it went wrong"})");
  expect_error(1, "answered /run with 'hello'; it must be a JSON object or array");
  EXPECT_TRUE(story.result_of(2).ok);
  EXPECT_EQ(result(story, 2), Json({{"error", "no"}}));
  expect_error(3, "gave /run no whole answer");
  expect_error(4, "an answer of more than 16 MB");
  EXPECT_TRUE(story.result_of(5).ok);
}

TEST_F(HttpWorkersTest, OfASingleInvocationItIsAFaultOfTheAction) {
  for (const char* what : {"status", "text"}) {
    const PackStory story = run_single(std::string(R"({"name":"me","do":")") + what + "\"}");
    ASSERT_TRUE(story.load_failed) << what;
    EXPECT_NE(story.load_failed->find("answered /run with"), std::string::npos) << *story.load_failed;
    EXPECT_EQ(story.output, "hello from me\n");
  }
  EXPECT_EQ(result(run_single(R"({"do":"error"})"), 0), Json({{"error", "no"}}));
}

TEST_F(HttpWorkersTest, LogsEndWithoutTheirLineToo) {
  const PackStory without = run_single(R"({"name":"x","do":"no sentinel"})");
  ASSERT_FALSE(without.load_failed) << *without.load_failed;
  EXPECT_EQ(without.output, "hello from x\n");
  EXPECT_EQ(run_single(R"({"name":"x","do":"mutter"})").output, "hello from x\nno line's end\n");
}

TEST_F(HttpWorkersTest, AServerThatEndsIsACrashOfItsWorker) {
  const PackStory left = run({"{}", R"({"do":"exit"})"});
  ASSERT_TRUE(left.exited) << left.load_failed.value_or("") << left.output;
  EXPECT_EQ(left.exited->worker_id, 1U);
  EXPECT_EQ(left.exited->exit_code, 7);
  const PackStory crashed = run({R"({"do":"crash"})"});
  ASSERT_TRUE(crashed.crashed) << crashed.load_failed.value_or("") << crashed.output;
  EXPECT_EQ(crashed.crashed->signal, SIGABRT);
  EXPECT_NE(crashed.output.find("hello from"), std::string::npos);
}

TEST_F(HttpWorkersTest, WhatDoesNotGetAsFarAsARunSaysWhy) {
  const auto expect_failure = [&](const PackStory& story, const std::string& part) {
    ASSERT_TRUE(story.load_failed) << part;
    EXPECT_NE(story.load_failed->find(part), std::string::npos) << *story.load_failed;
  };
  expect_failure(run({"{}", "{}"}, "refuse"),
                 R"(answered /init with status 502: {"error": "the code does not compile"})");
  const PackStory ended = run({"{}"}, "exit");
  expect_failure(ended, "exited with code 3 before it answered /init");
  EXPECT_NE(ended.output.find("last words"), std::string::npos);
  serve_with_flag("--silent");
  expect_failure(run({"{}"}), "exited with code 4 before it answered /init");
  serve_with({"/no/such/server"});
  expect_failure(run({"{}"}), "the action's server /no/such/server could not be started: No such file or directory");
  ::unsetenv("GUST_SERVER");
  expect_failure(run({"{}"}), "the image has no command of its own");
}

TEST_F(HttpWorkersTest, EndsWithItsInvoker) {
  serve_with({"/bin/sleep", "600"});  // binds nothing, so it is waited for
  PackProcess pack(PackProcess::Socket::kGiven);
  pack.send(action("source", {"{}"}));
  pack.close_socket();
  EXPECT_EQ(WEXITSTATUS(pack.finish().wait_status), kExitFailed);
}

// What a blackbox is depends on its code and on what its container has.
TEST_F(HttpWorkersTest, ABlackboxIsServedExecutedOrPython) {
  const auto run_blackbox = [&](const std::string& code, bool is_binary) {
    protocol::StartMessage start = action(code, {"{}"});
    start.kind = "blackbox";
    start.is_binary = is_binary;
    return run_to_end(start);
  };
  const char* server = std::getenv("GUST_SERVER");
  ::setenv("GUST_IMAGE_COMMAND", server, 1);
  ::unsetenv("GUST_SERVER");
  EXPECT_EQ(result(run_blackbox("source", false), 0)["init"]["code"], "source");
  EXPECT_TRUE(result(run_blackbox("", false), 0)["init"]["code"].is_null());
  EXPECT_EQ(run_blackbox("#!/bin/sh\nread line; echo '[5]' >&3\n", true).result_of(0).result, "5");
  const std::string python = "def main(args): return {'python': True}";
  ::setenv("GUST_PYTHON", "/usr", 1);
  EXPECT_EQ(result(run_blackbox(python, false), 0), Json({{"python", true}}));
  ::unsetenv("GUST_PYTHON");
  ::unsetenv("GUST_IMAGE_COMMAND");
  EXPECT_EQ(result(run_blackbox(python, false), 0), Json({{"python", true}}));
  EXPECT_NE(run_blackbox("", false).load_failed.value_or("").find("the action has no code"), std::string::npos);
}

}  // namespace
}  // namespace gust::pack
