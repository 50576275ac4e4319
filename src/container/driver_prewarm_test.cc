// Containers that exist before anybody needs them: that they are kept ready, and that nobody notices when they are not.
// That a claimed one is like any other is what the conformance, death and hostile tests show, which run with both.
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/testing/driver_harness.h"

namespace gust::container::testing {
namespace {

std::vector<const char*> prewarmed_kinds() {
  std::vector<const char*> kinds = drivers_here();
  std::erase_if(kinds, [](const char* kind) { return !is_prewarmed(kind); });
  if (sandbox_refusal().empty()) kinds.push_back("sandbox executed prewarmed");
  return kinds;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::ifstream list("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

void kill_all(const std::vector<pid_t>& processes) {
  for (const pid_t pid : processes) {
    const UniqueFd process = watch(pid);
    kill(pid, SIGKILL);
    EXPECT_TRUE(ends(process));
  }
}

class PrewarmTest : public ::testing::TestWithParam<const char*> {
 protected:
  /// Of this process, whose only other children are none.
  static pid_t launcher() { return children_of(getpid()).back(); }

  Harness harness_{GetParam()};
};

TEST_P(PrewarmTest, AStartTakesOneThatExistsAndAnotherOneIsMade) {
  const std::vector<pid_t> before = children_of(launcher());
  EXPECT_EQ(before.size(), kPrewarmedContainers);
  const WallTime asked = wall_now();
  const auto ends = harness_.start(7, "echo");
  ASSERT_TRUE(harness_.wait_launched(1));
  EXPECT_THAT(before, ::testing::Contains(harness_.launched().at(7).pid));
  EXPECT_GE(harness_.launched().at(7).at, asked);
  EXPECT_TRUE(harness_.launched().at(7).prewarmed);
  ends->send("alive");
  EXPECT_EQ(ends->receive(), "alive");
  ASSERT_TRUE(harness_.wait_prewarmed(kPrewarmedContainers - 1));
  ASSERT_TRUE(harness_.wait_prewarmed(kPrewarmedContainers));
  EXPECT_EQ(children_of(launcher()).size(), kPrewarmedContainers + 1);
}

TEST_P(PrewarmTest, OneIsNeverUsedTwice) {
  auto first = harness_.start(1, "exit", "3");
  ASSERT_TRUE(harness_.wait_exited(1));
  EXPECT_EQ(WEXITSTATUS(harness_.exited().at(1).wait_status), 3);
  const auto second = harness_.start(2, "echo");
  ASSERT_TRUE(harness_.wait_launched(2));
  EXPECT_NE(harness_.launched().at(1).pid, harness_.launched().at(2).pid);
}

TEST_P(PrewarmTest, MoreStartsThanThereAreAreColdOnes) {
  constexpr ContainerId kCount = 4 * kPrewarmedContainers;
  const std::vector<pid_t> before = children_of(launcher());
  std::vector<Spec> specs;
  std::vector<OtherEnds> ends;
  for (ContainerId id = 0; id < kCount; ++id) {
    auto [spec, other] = make_spec(id, "echo");
    specs.push_back(std::move(spec));
    ends.push_back(std::move(other));
  }
  ASSERT_TRUE(harness_.driver().start(std::move(specs)));
  ASSERT_TRUE(harness_.wait_launched(kCount));
  std::size_t claimed = 0;
  for (const auto& [id, launched] : harness_.launched()) {
    claimed += launched.prewarmed ? 1 : 0;
    EXPECT_EQ(launched.prewarmed, std::ranges::count(before, launched.pid) == 1);
  }
  EXPECT_EQ(claimed, kPrewarmedContainers);
  for (ContainerId id = 0; id < kCount; ++id) {
    ends[id].send("I am " + std::to_string(id));
    EXPECT_EQ(ends[id].receive(), "I am " + std::to_string(id));
  }
}

TEST_P(PrewarmTest, OneThatDiedIsReplacedAndTheStartDoesNotNotice) {
  // The launcher does not hear of their deaths before it is asked: it is stopped meanwhile.
  const pid_t stopped = launcher();
  const std::vector<pid_t> waiting = children_of(stopped);
  ASSERT_EQ(kill(stopped, SIGSTOP), 0);
  kill_all(waiting);
  const auto ends = harness_.start(1, "echo");
  kill(stopped, SIGCONT);
  ASSERT_TRUE(harness_.wait_launched(1));
  EXPECT_THAT(waiting, ::testing::Not(::testing::Contains(harness_.launched().at(1).pid)));
  ends->send("alive");
  EXPECT_EQ(ends->receive(), "alive");
  ASSERT_TRUE(harness_.wait_prewarmed(kPrewarmedContainers));
  EXPECT_TRUE(harness_.exited().empty()) << "nobody asked for those that died";
}

TEST_P(PrewarmTest, ThoseThatDieWhileNobodyNeedsThemAreReplaced) {
  const std::vector<pid_t> waiting = children_of(launcher());
  kill_all(waiting);
  ASSERT_TRUE(harness_.pump_until([&] {
    const std::vector<pid_t> now = children_of(launcher());
    return harness_.prewarmed() == kPrewarmedContainers && std::ranges::find_first_of(now, waiting) == now.end();
  }));
  EXPECT_TRUE(harness_.exited().empty());
}

TEST_P(PrewarmTest, TheLimitsAreThoseOfTheStart) {
  // Each is made with the limits of the start before: some find what they need.
  const std::vector<Bytes> sizes = {Bytes::mb(12), Bytes::mb(12), Bytes::mb(12), Bytes::mb(20), Bytes::mb(1)};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    ASSERT_TRUE(harness_.wait_prewarmed(kPrewarmedContainers));
    auto [spec, ends] = make_spec(i, "limits");
    spec.limits = {.memory = Bytes::mb(48), .open_files = 77, .workers = 5, .processes = 33, .tmp = sizes[i]};
    std::vector<Spec> specs;
    specs.push_back(std::move(spec));
    ASSERT_TRUE(harness_.driver().start(std::move(specs)));
    const std::string told = ends.receive();
    ASSERT_TRUE(harness_.wait_launched(i + 1));
    EXPECT_TRUE(harness_.launched().at(i).prewarmed);
    EXPECT_THAT(told, ::testing::StartsWith("files=77 "));
    // 33 of its own, its workers and its first thread.
    if (is_plain(GetParam())) continue;
    EXPECT_THAT(told, ::testing::HasSubstr("processes=39 tmp=" + std::to_string(sizes[i].count()) + "\n"));
  }
}

class PrewarmPythonTest : public ::testing::TestWithParam<const char*> {
 protected:
  bool is_prewarmed_start(bool python) {
    const ContainerId id = next_++;
    ends_.push_back(*harness_.start(id, "echo", "", python));
    EXPECT_TRUE(harness_.pump_until([&] { return harness_.launched().contains(id); }));
    return harness_.launched().at(id).prewarmed;
  }

  Harness harness_{GetParam()};
  ContainerId next_ = 1;
  std::vector<OtherEnds> ends_;
};

TEST_P(PrewarmPythonTest, OneWithAnInterpreterIsLeftToWhoHasUseForIt) {
  for (std::uint32_t i = 0; i < kPrewarmedContainers; ++i) EXPECT_TRUE(is_prewarmed_start(false));
  EXPECT_FALSE(is_prewarmed_start(false));
  EXPECT_TRUE(is_prewarmed_start(true));
  EXPECT_TRUE(harness_.wait_prewarmed(kPrewarmedContainers + 1));
}

TEST_P(PrewarmPythonTest, WhoHasUseForOneTakesAnotherWhereThereIsNone) {
  for (std::uint32_t i = 0; i < kPrewarmedContainers + 1; ++i) EXPECT_TRUE(is_prewarmed_start(true));
  EXPECT_FALSE(is_prewarmed_start(true));
  EXPECT_TRUE(harness_.wait_prewarmed(kPrewarmedContainers + 1));
}

std::vector<const char*> python_kinds() {
  if (!sandbox_refusal().empty()) return {"process python prewarmed"};
  return {"process python prewarmed", "sandbox python prewarmed"};
}

INSTANTIATE_TEST_SUITE_P(Drivers, PrewarmPythonTest, ::testing::ValuesIn(python_kinds()));
INSTANTIATE_TEST_SUITE_P(Drivers, PrewarmTest, ::testing::ValuesIn(prewarmed_kinds()));

}  // namespace
}  // namespace gust::container::testing
