// Children runs its own executable: this one, which then plays a child's part instead of running tests.
#include "base/children.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

#include "base/fd.h"

namespace gust {
namespace {

using std::chrono::milliseconds;

// The parts: what a child does, told by its arguments "play PART VALUE".
int play(std::string_view part, const char* value) {
  const int fd = std::atoi(value);
  const auto say = [fd](std::string_view word) { return ::write(fd, word.data(), word.size()) > 0 ? 0 : 1; };
  if (part == "exit") return std::atoi(value);
  if (part == "environment") {
    const char* told = std::getenv("GUST_TOLD");
    return told != nullptr && std::getenv("GUST_OURS") == nullptr && std::getenv("PATH") != nullptr ? std::atoi(told)
                                                                                                    : 1;
  }
  if (part == "stubborn") {
    std::signal(SIGTERM, SIG_IGN);
    say("r");
  }
  if (part == "parent") {
    Children children;
    if (!children.spawn({.name = "c", .arguments = {"play", "wait", value}, .environment = {}, .keep_fd = fd}))
      return 1;
    ::pause();
  }
  if (part == "wait") say(std::to_string(::getppid()) + "\n");
  for (;;) ::pause();
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  UniqueFd read;
  UniqueFd write;
};

Children::Command command(std::string part, const std::string& value, int keep_fd = -1) {
  return {.name = part, .arguments = {"play", part, value}, .environment = {}, .keep_fd = keep_fd};
}

// The next that ends; Children has blocked SIGCHLD, so none is missed.
Children::Ended next_end(Children& children) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (;;) {
    if (auto ended = children.reap()) return *ended;
    const timespec patience{.tv_sec = 20, .tv_nsec = 0};
    if (::sigtimedwait(&child, nullptr, &patience) < 0) {
      ADD_FAILURE() << "no child ended";
      return {};
    }
  }
}

TEST(ChildrenTest, AnEndIsReportedOnceWithItsName) {
  Children children;
  ASSERT_TRUE(children.spawn(command("exit", "3")));
  EXPECT_EQ(children.size(), 1U);
  const auto ended = next_end(children);
  EXPECT_EQ(ended.name, "exit");
  EXPECT_EQ(describe_wait_status(ended.wait_status), "exited with code 3");
  EXPECT_EQ(children.size(), 0U);
  EXPECT_FALSE(children.reap());
}

TEST(ChildrenTest, OurOwnSettingsDoNotReachThem) {
  ::setenv("GUST_OURS", "1", 1);
  Children children;
  auto told = command("environment", "");
  told.environment = {"GUST_TOLD=42"};
  ASSERT_TRUE(children.spawn(told));
  EXPECT_EQ(WEXITSTATUS(next_end(children).wait_status), 42);
  ::unsetenv("GUST_OURS");
}

TEST(ChildrenTest, ChildrenOfOthersAreLeftToThem) {
  Children children;
  const pid_t others = ::fork();
  if (others == 0) ::_exit(5);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(others), &info, WEXITED | WNOWAIT), 0);
  ASSERT_TRUE(children.spawn(command("exit", "3")));
  EXPECT_EQ(WEXITSTATUS(next_end(children).wait_status), 3);
  int status = 0;
  EXPECT_EQ(::waitpid(others, &status, 0), others);
}

TEST(ChildrenTest, StopEndsTheWillingAtOnceAndKillsTheRest) {
  Children children;
  Pipe ready;
  ASSERT_TRUE(children.spawn(command("wait", "-1")));
  ASSERT_TRUE(children.spawn(command("stubborn", std::to_string(ready.write.get()), ready.write.get())));
  char word = 0;
  ASSERT_EQ(::read(ready.read.get(), &word, 1), 1);
  children.stop(milliseconds(20));
  EXPECT_EQ(children.size(), 0U);
  ready.write.reset();
  EXPECT_EQ(::read(ready.read.get(), &word, 1), 0);  // the stubborn one held the other end until it was killed
}

TEST(ChildrenTest, TheyEndWithAParentThatIsKilled) {
  Pipe ready;
  Children children;
  ASSERT_TRUE(children.spawn(command("parent", std::to_string(ready.write.get()), ready.write.get())));
  ready.write.reset();
  std::string parent;
  for (char letter = 0; ::read(ready.read.get(), &letter, 1) == 1 && letter != '\n';) parent += letter;
  ASSERT_EQ(::kill(std::stoi(parent), SIGKILL), 0);
  EXPECT_EQ(describe_wait_status(next_end(children).wait_status), "was killed by SIGKILL");
  pollfd end{.fd = ready.read.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&end, 1, 20'000), 1);
  char letter = 0;
  EXPECT_EQ(::read(ready.read.get(), &letter, 1), 0);
}

}  // namespace
}  // namespace gust

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "play") == 0) return gust::play(argv[2], argv[3]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
