// However the driver, the launcher or the whole invoker ends: no container is left.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>

#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <span>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "container/testing/driver_harness.h"

namespace gust::container::testing {
namespace {

/// A process of its own that runs `body` and never comes back into the test.
pid_t run_apart(const std::function<void()>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  return pid;
}

class DriverDeathTest : public ::testing::TestWithParam<const char*> {};

TEST_P(DriverDeathTest, EndsAllContainersWhenDestroyed) {
  Harness harness(GetParam());
  std::vector<OtherEnds> ends_of_all;
  std::vector<UniqueFd> processes;
  for (ContainerId id = 0; id < 6; ++id) {
    ends_of_all.push_back(*harness.start(id, id % 2 == 0 ? "child" : "daemon"));
    processes.push_back(watch(ends_of_all.back().receive_pid()));
  }
  ASSERT_TRUE(harness.wait_launched(6));
  for (const auto& [unused, launched] : harness.launched()) processes.push_back(watch(launched.pid));
  harness.destroy_driver();
  for (const UniqueFd& process : processes) {
    pollfd ended{process.get(), POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, 0), 1);
  }
  EXPECT_TRUE(std::filesystem::is_empty(harness.directory() / "packs"));
}

TEST_P(DriverDeathTest, IsUnavailableAndItsContainersGoneWhenTheLauncherIsKilled) {
  Harness harness(GetParam());
  const auto ends_of_first = harness.start(1, "child");
  const auto ends_of_second = harness.start(2, "echo");
  std::vector<UniqueFd> processes;
  processes.push_back(watch(ends_of_first->receive_pid()));
  ASSERT_TRUE(harness.wait_launched(2));
  for (const auto& [unused, launched] : harness.launched()) processes.push_back(watch(launched.pid));
  kill(launcher_of(harness.launched().at(1).pid), SIGKILL);
  EXPECT_FALSE(harness.wait_exited(1));
  EXPECT_EQ(harness.loss().code, ErrorCode::kUnavailable);
  EXPECT_THAT(harness.loss().message, ::testing::HasSubstr("signal 9"));
  for (const UniqueFd& process : processes) EXPECT_TRUE(ends(process));
  EXPECT_EQ(harness.start(3, "echo").error().code, ErrorCode::kUnavailable);
}

TEST_P(DriverDeathTest, ContainersDieWithAnInvokerThatIsKilled) {
  // What the killed process leaves comes to this one, which sees it end.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  const UniqueFd from_invoker(pipe_ends[0]);
  UniqueFd to_test(pipe_ends[1]);
  const pid_t invoker = run_apart([&] {
    Harness harness(GetParam());
    const auto child = harness.start(1, "child");
    const auto daemon = harness.start(2, "daemon");
    const auto plain = harness.start(3, "echo");
    std::vector<pid_t> pids{child->receive_pid(), daemon->receive_pid()};
    harness.wait_launched(3);
    for (const auto& [unused, launched] : harness.launched()) pids.push_back(static_cast<pid_t>(launched.pid));
    pids.push_back(launcher_of(pids.back()));
    const std::string directory = harness.directory();
    if (write(to_test.get(), pids.data(), pids.size() * sizeof(pid_t)) < 0) return;
    if (write(to_test.get(), directory.data(), directory.size()) < 0) return;
    to_test.reset();
    while (true) pause();
  });
  to_test.reset();
  const std::string told = read_all(from_invoker);
  pid_t pids[6];
  ASSERT_GT(told.size(), sizeof pids);
  std::memcpy(pids, told.data(), sizeof pids);
  const std::filesystem::path directory = told.substr(sizeof pids);
  std::vector<UniqueFd> processes;
  for (const pid_t pid : pids) processes.push_back(watch(pid));

  kill(invoker, SIGKILL);
  for (const UniqueFd& process : processes) EXPECT_TRUE(ends(process));
  EXPECT_TRUE(std::filesystem::is_empty(directory / "packs"));
  std::filesystem::remove_all(directory);
  while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
}

TEST_P(DriverDeathTest, ALimitOfProcessesFailsOnlyTheContainersOverIt) {
  if (getuid() != 0) GTEST_SKIP() << "needs to become a user without processes";
  if (!is_plain(GetParam())) GTEST_SKIP() << "its containers are users of their own";
  // The limit counts for a user, and tests run beside each other.
  const uid_t nobody_else = 0x6000'0000 + static_cast<uid_t>(getpid());
  constexpr rlim_t kProcesses = 8;
  constexpr int kAsked = 20;
  const pid_t invoker = run_apart([&] {
    const rlimit processes{kProcesses, kProcesses};
    if (setgroups(0, nullptr) != 0 || setgid(nobody_else) != 0 || setrlimit(RLIMIT_NPROC, &processes) != 0 ||
        setuid(nobody_else) != 0) {
      _exit(1);
    }
    if (access(launcher_for(GUST_TEST_PACK), X_OK) != 0 || access(GUST_TEST_PACK, X_OK) != 0) _exit(77);
    Harness harness(GetParam());
    std::vector<OtherEnds> ends_of_all;
    for (ContainerId id = 0; id < kAsked; ++id) ends_of_all.push_back(*harness.start(id, "echo"));
    harness.pump_until([&] { return harness.launched().size() + harness.exited().size() == kAsked; });
    if (harness.launched().empty() || harness.exited().empty()) _exit(2);
    for (const auto& [id, exited] : harness.exited()) {
      if (!exited.failure.starts_with("create its process: ")) _exit(3);
      if (harness.has_working_directory(id)) _exit(4);
    }
    for (const auto& [id, unused] : harness.launched()) {
      ends_of_all[id].send("alive");
      if (ends_of_all[id].receive() != "alive") _exit(5);
    }
  });
  int status = 0;
  ASSERT_EQ(waitpid(invoker, &status, 0), invoker);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "the binaries are not readable for other users";
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Drivers, DriverDeathTest, ::testing::ValuesIn(drivers_here()));

}  // namespace
}  // namespace gust::container::testing
