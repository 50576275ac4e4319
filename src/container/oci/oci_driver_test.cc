// What only the driver oci has: a runtime that can be missing or fail, and cgroups that the runtime makes.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/wait.h>

#include "container/oci/runtime_cgroups.h"
#include "container/testing/driver_harness.h"

namespace gust::container::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<fs::path> cgroups_of(pid_t pid) {
  std::vector<fs::path> found;
  for (const CgroupMount& mount : find_cgroup_mounts()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(mount.mount_point, error)) {
      if (entry.path().filename().string().starts_with("gust-oci-" + std::to_string(pid) + "-")) {
        found.push_back(entry.path());
      }
    }
  }
  return found;
}

class OciDriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    fs::create_directory(directory_);
  }
  ~OciDriverTest() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
  /// A driver with a program of the test's own as its runtime.
  Result<std::unique_ptr<Driver>> with_runtime(const std::string& runtime) {
    return make_driver("oci", {.pack_binary = GUST_TEST_PACK,
                               .launcher_binary = GUST_LAUNCHER,
                               .state_dir = directory_ / "state",
                               .oci_runtime = runtime});
  }
  std::string failure_with(const std::string& script) {
    const fs::path file = directory_ / "runtime";
    std::ofstream(file) << "#!/bin/sh\n" << script;
    fs::permissions(file, fs::perms(0755));
    const auto driver = with_runtime(file);
    if (!driver) return driver.error().message;
    std::vector<Spec> specs;
    auto [spec, ends] = make_spec(1, "echo");
    specs.push_back(std::move(spec));
    if (const auto started = (*driver)->start(std::move(specs)); !started) return started.error().message;
    std::string failure;
    while (failure.empty()) {
      pollfd readable{(*driver)->event_fd(), POLLIN, 0};
      if (poll(&readable, 1, std::chrono::milliseconds(kDeadline).count()) != 1) return "timed out";
      const Events events{.launched = [](const Launched&) {},
                          .exited = [&](const Exited& exited) { failure = exited.failure; }};
      if (!(*driver)->read_events(events)) return "lost";
    }
    EXPECT_TRUE(fs::is_empty(directory_ / "state/packs"));
    return failure;
  }

  fs::path directory_ = fast_directory() / ("gust-oci-test-" + random_hex_id());
};

TEST_F(OciDriverTest, SaysThatTheRuntimeIsMissing) {
  for (const char* name : {"no-such-runtime", "/nowhere/runc"}) {
    const auto driver = with_runtime(name);
    ASSERT_FALSE(driver);
    EXPECT_EQ(driver.error().code, ErrorCode::kNotFound);
    EXPECT_THAT(driver.error().message, HasSubstr("--oci-runtime"));
  }
}

TEST_F(OciDriverTest, SaysWhatTheRuntimeSaid) {
  EXPECT_EQ(failure_with("exit 7\n"), "its OCI runtime ended with status 7");
  // Its arguments: --root STATE --log FILE …
  EXPECT_EQ(failure_with(R"(echo '{"level":"error","msg":"no such thing"}' >"$4"; exit 1)"), "runtime: no such thing");
  EXPECT_EQ(failure_with("exit 0\n"), "its OCI runtime ended with status 0") << "it must leave a process";
}

TEST_F(OciDriverTest, ASuccessorRemovesTheCgroupsOfADriverThatWasKilled) {
  if (!is_in_path("runc")) GTEST_SKIP() << "there is no runc";
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t invoker = fork();
  if (invoker == 0) {
    Harness harness("runc");
    const auto ends = harness.start(1, "echo");
    if (!harness.wait_launched(1)) _exit(1);
    const std::string text =
        std::to_string(launcher_of(harness.launched().at(1).pid)) + " " + harness.directory().string();
    if (write(pipe_ends[1], text.data(), text.size()) < 0) _exit(1);
    while (true) pause();
  }
  close(pipe_ends[1]);
  char text[256] = "";
  EXPECT_GT(read(pipe_ends[0], text, sizeof text - 1), 0);
  close(pipe_ends[0]);
  pid_t keeper_pid = 0;
  std::string left;
  std::istringstream(text) >> keeper_pid >> left;
  const UniqueFd keeper = watch(keeper_pid);
  EXPECT_FALSE(cgroups_of(invoker).empty());
  kill(invoker, SIGKILL);
  waitpid(invoker, nullptr, 0);
  EXPECT_TRUE(ends(keeper));
  EXPECT_TRUE(fs::is_empty(left + "/packs"));
  {
    const RuntimeCgroups successor;
  }
  EXPECT_TRUE(cgroups_of(invoker).empty());
  fs::remove_all(left);
}

}  // namespace
}  // namespace gust::container::testing
