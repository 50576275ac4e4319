// What an invoker sees of packs whose workers are one executable: scripts of the machine's own shell.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "pack/pack_process.h"
#include "pack/run.h"

namespace gust::pack {
namespace {

class ProgramTest : public testing::Test {
 protected:
  ~ProgramTest() override {
    std::remove(path_.c_str());
    ::unsetenv("OW_WAIT_FOR_ACK");
  }

  protocol::StartMessage program(const std::string& code, const std::vector<std::string>& params) {
    path_ = testing::TempDir() + "/program_test_" + std::to_string(getpid());
    std::ofstream(path_, std::ios::binary) << code;
    protocol::StartMessage start = start_message("", params);
    start.kind = "native";
    start.code_path = path_;
    return start;
  }
  PackStory run(const std::string& script, const std::vector<std::string>& params) {
    return run_to_end(program("#!/bin/sh\n" + script, params));
  }
  PackStory run_single(const std::string& script) {
    protocol::StartMessage start = program("#!/bin/sh\n" + script, {"{}"});
    start.is_single = true;
    return run_to_end(start);
  }
  /// Runs it for two workers; it must fail with this in its sentence.
  void expect_failure(const std::string& script, const std::string& part) {
    const PackStory story = run(script, {"1", "2"});
    ASSERT_TRUE(story.load_failed) << script;
    EXPECT_NE(story.load_failed->find(part), std::string::npos) << *story.load_failed;
    EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFailed);
    EXPECT_FALSE(story.crashed);
    EXPECT_TRUE(story.finished.empty());
  }

  std::string path_;
};

TEST_F(ProgramTest, GetsOneLineAndItsAnswerIsCutIntoResults) {
  const PackStory story =
      run("read line; echo \"$line\"; echo '[{\"a\":[1,2]}, \"x,y\" ,3]' >&3", {"{\"i\":\n0}", "1", ""});
  ASSERT_FALSE(story.load_failed) << *story.load_failed;
  EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFinished);
  ASSERT_EQ(story.started.size(), 3U);
  ASSERT_EQ(story.finished.size(), 3U);
  EXPECT_EQ(story.result_of(0).result, R"({"a":[1,2]})");
  EXPECT_EQ(story.result_of(1).result, R"("x,y")");
  EXPECT_EQ(story.result_of(2).result, "3");
  EXPECT_TRUE(story.result_of(2).ok);
  EXPECT_LE(story.loaded->loaded_us, story.started[0].started_us);
  EXPECT_LE(story.started[0].started_us, story.result_of(0).function_ended_us);
  EXPECT_EQ(story.output,
            R"({"value":[{"i": 0},1,null],"namespace":"guest","action_name":"/guest/test","action_version":"",)"
            R"("activation_id":"0123456789abcdef0123456789abcdef","transaction_id":"0123456789abcdef0123456789abcdef",)"
            R"("deadline":"0","invoker_id":"0","burst_info":{"pack":[0,2],"size":3},"middleware":"tcp"})"
            "\n");
}

TEST_F(ProgramTest, ASingleInvocationIsTheContractOfOpenWhisk) {
  const PackStory story = run_single("read line; echo \"$line\"; echo '{\"ok\":1}' >&3");
  ASSERT_FALSE(story.load_failed) << *story.load_failed;
  EXPECT_EQ(story.result_of(0).result, R"({"ok":1})");
  EXPECT_TRUE(story.output.starts_with(R"({"value":{},"namespace")")) << story.output;
  EXPECT_EQ(story.output.find("burst_info"), std::string::npos);
}

TEST_F(ProgramTest, AnAnswerThatLacksTheEndOfItsLineCounts) {
  EXPECT_EQ(run("printf '[1,2]' >&3", {"", ""}).result_of(1).result, "2");
}

TEST_F(ProgramTest, BlankLinesAreNoAnswer) {
  EXPECT_EQ(run("printf '\\n  \\n[5]\\n' >&3", {""}).result_of(0).result, "5");
}

TEST_F(ProgramTest, LargeRequestsAndAnswersPassWhole) {
  const std::string param = "\"" + std::string(3 << 20, 'x') + "\"";
  const PackStory story =
      run("exec 4>&3; head -n 1 | wc -c > size; printf '[' >&3; printf '\"' >&3; head -c 4000000 /dev/zero | tr '\\0' "
          "y >&3; "
          "printf '\",' >&3; cat size >&3; printf ']\\n' >&3",
          {param, param});
  // The line of `size` has an end of its own in the middle of the answer: one line is one answer.
  ASSERT_TRUE(story.load_failed);
  const PackStory good =
      run("size=$(head -n 1 | wc -c); printf '[\"' >&3; head -c 4000000 /dev/zero | tr '\\0' y >&3; echo "
          "\"\\\",$size]\" >&3",
          {param, param});
  ASSERT_FALSE(good.load_failed) << *good.load_failed;
  EXPECT_EQ(good.result_of(0).result.size(), 4'000'002U);
  EXPECT_GT(std::stoll(good.result_of(1).result), 6LL << 20);
}

TEST_F(ProgramTest, AnswersThatBreakTheContractSayHow) {
  expect_failure("echo '[1]' >&3", "has 1 entries; the pack has 2 workers, and each needs one");
  expect_failure("echo '[1,2,3]' >&3", "has 3 entries");
  expect_failure("echo '{\"a\":1}' >&3", "is '{\"a\":1}'; it must be a JSON array in one line");
  expect_failure("echo 'hello' >&3", "is 'hello'; it must be a JSON array");
  expect_failure("read line", "ended with exit code 0 before it answered on descriptor 3");
  expect_failure("exit 7", "ended with exit code 7");
  expect_failure("echo '[1,2' >&3", "it must be a JSON array");
  const PackStory single = run_single("echo '7' >&3");
  EXPECT_NE(single.load_failed.value_or("").find("it must be a JSON object or array"), std::string::npos);
}

TEST_F(ProgramTest, AResultThatIsTooLargeSaysWhose) {
  expect_failure("printf '[1,\"' >&3; head -c 17000000 /dev/zero | tr '\\0' y >&3; echo '\"]' >&3",
                 "the result of worker 1 has 17000002 bytes; the limit is 16 MB");
}

TEST_F(ProgramTest, ASignalIsACrash) {
  const PackStory story = run("kill -SEGV $$", {"1"});
  ASSERT_TRUE(story.crashed);
  EXPECT_EQ(story.crashed->signal, SIGSEGV);
  EXPECT_EQ(story.crashed->worker_id, protocol::kNoWorker);
}

TEST_F(ProgramTest, WithOwWaitForAckItAcknowledgesFirst) {
  ::setenv("OW_WAIT_FOR_ACK", "1", 1);
  const PackStory story =
      run("echo '{ \"ok\": true }' >&3; read line; echo \"[\\\"$__OW_WAIT_FOR_ACK\\\"]\" >&3", {"1"});
  ASSERT_FALSE(story.load_failed) << *story.load_failed;
  EXPECT_EQ(story.result_of(0).result, "\"1\"");
  expect_failure("echo '[1,2]' >&3", "first line on descriptor 3 is '[1,2]'; with OW_WAIT_FOR_ACK set");
  expect_failure("exit 0", "before it wrote {\"ok\":true} on descriptor 3");
}

TEST_F(ProgramTest, WhatCannotBeExecutedSaysWhy) {
  const PackStory binary =
      run_to_end(program("\x7f"
                         "ELF nonsense",
                         {"1"}));
  EXPECT_NE(binary.load_failed.value_or("").find("could not be started: Exec format error"), std::string::npos);
  const PackStory interpreter = run_to_end(program("#!/no/such/interpreter\n", {"1"}));
  EXPECT_NE(interpreter.load_failed.value_or("").find("has no such interpreter"), std::string::npos);
  const PackStory archive = run_to_end(program("PK\x03\x04 nonsense", {"1"}));
  EXPECT_NE(archive.load_failed.value_or("").find("the zip archive is damaged"), std::string::npos);
}

TEST_F(ProgramTest, EndsWithItsInvoker) {
  PackProcess pack(PackProcess::Socket::kGiven);
  pack.send(program("#!/bin/sh\nexec sleep 600\n", {"1"}));
  pack.wait_for_starts(1);
  pack.close_socket();
  EXPECT_EQ(WEXITSTATUS(pack.finish().wait_status), kExitFailed);
}

}  // namespace
}  // namespace gust::pack
