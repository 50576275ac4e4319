// What an invoker sees of packs that cannot start, and the program's manners.
#include "pack/code.h"

#include <signal.h>

#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "pack/pack_process.h"
#include "pack/run.h"

namespace gust::pack {
namespace {

void expect_refused(const protocol::StartMessage& start, const std::string& text) {
  const PackStory story = run_to_end(start);
  ASSERT_TRUE(story.load_failed) << story.output;
  EXPECT_NE(story.load_failed->find(text), std::string::npos) << *story.load_failed;
  EXPECT_TRUE(story.started.empty());
  ASSERT_TRUE(WIFEXITED(story.wait_status));
  EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFailed);
}

TEST(Code, AnObjectOfAnotherVersionIsRefusedByBothNumbers) {
  expect_refused(start_message("other_version.so", {"1"}),
                 "version 42 of Gust's ABI, and this gust-pack runs version 1");
}

TEST(Code, AnObjectWithoutTheSymbolIsRefused) {
  expect_refused(start_message("no_symbol.so", {"1"}), "does not export `gust_worker`");
}

TEST(Code, AFileThatIsNoObjectIsRefused) {
  const std::string path = testing::TempDir() + "/no_object_" + std::to_string(getpid()) + ".so";
  std::ofstream(path) << "#!/bin/sh\n";
  protocol::StartMessage start = start_message("", {"1"});
  start.code_path = path;
  expect_refused(start, "could not be loaded");
  std::remove(path.c_str());
  expect_refused(start, "could not be loaded");
}

TEST(Code, AnotherKindIsRefusedByName) {
  protocol::StartMessage start = start_message("echo.so", {"1"});
  start.kind = "fortran:77";
  expect_refused(start, "'fortran:77'");
}

TEST(Code, AStartThatContradictsItselfIsRefused) {
  protocol::StartMessage start = start_message("echo.so", {"1"});
  start.params_end = {9};
  expect_refused(start, "params_end");
}

TEST(PackProgram, EndsWithItsInvoker) {
  PackProcess pack(PackProcess::Socket::kGiven);
  pack.send(start_message("misbehave.so", std::vector<std::string>(3, R"({"do": "wait"})")));
  pack.wait_for_starts(3);
  pack.close_socket();
  const PackStory story = pack.finish();
  ASSERT_TRUE(WIFEXITED(story.wait_status));
  EXPECT_EQ(WEXITSTATUS(story.wait_status), kExitFailed);
}

TEST(PackProgram, EndsWithAnInvokerThatNeverSpoke) {
  PackProcess pack(PackProcess::Socket::kGiven);
  pack.close_socket();
  EXPECT_TRUE(WIFEXITED(pack.finish().wait_status));
}

TEST(PackProgram, ByHandSaysWhatItIs) {
  PackProcess pack(PackProcess::Socket::kMissing);
  pack.close_socket();
  const PackStory story = pack.finish();
  EXPECT_EQ(WEXITSTATUS(story.wait_status), 2);
  EXPECT_NE(story.output.find("started by `gust invoker`"), std::string::npos) << story.output;
}

TEST(PackProgram, WithWrongArgumentsSaysWhatItIs) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, {"--floor", "x"}, {"--floor"}}) {
    PackProcess pack(PackProcess::Socket::kGiven, arguments);
    pack.close_socket();
    const PackStory story = pack.finish();
    EXPECT_EQ(WEXITSTATUS(story.wait_status), 2);
    EXPECT_NE(story.output.find("--version"), std::string::npos) << story.output;
  }
}

}  // namespace
}  // namespace gust::pack
