#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "scheduler/journal.h"
#include "simulation/arrivals.h"
#include "simulation/simulator.h"

namespace gust::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Cluster kCluster{.invokers = 4, .slots = 8, .memory = Bytes::mb(8 * 256)};

TEST(Arrivals, AreReadAndSorted) {
  const auto read = read_arrivals(
      "at_s,namespace,workers,runtime_s,limit_s,priority,granularity,memory_mb\n"
      "2.5,lab,48,1,30,-2,8,512\n0,guest,1,0.25,60,0,0,128\n",
      "trace.csv");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2);
  EXPECT_EQ((*read)[0].runtime, 250ms);
  const auto& second = (*read)[1];
  EXPECT_EQ(second.at, 2500ms);
  EXPECT_EQ(second.namespace_name, "lab");
  EXPECT_EQ(second.workers, 48);
  EXPECT_EQ(second.limit, 30s);
  EXPECT_EQ(second.priority, -2);
  EXPECT_EQ(second.granularity, 8);
  EXPECT_EQ(second.memory, Bytes::mb(512));
}

TEST(Arrivals, WrongFilesAreRefusedWithThePlace) {
  const auto refused = [](std::string_view text) { return read_arrivals(text, "t.csv").error().message; };
  EXPECT_THAT(refused("at_s,workers\n"), testing::HasSubstr("the column runtime_s is missing"));
  EXPECT_THAT(refused("at_s,workers,runtime_s,colour\n"), testing::HasSubstr("t.csv:1:4: there is no column 'colour'"));
  EXPECT_THAT(refused("at_s,workers,runtime_s\n1,0,1\n"), testing::HasSubstr("t.csv:2:2: '0' is not a number of"));
  EXPECT_THAT(refused("at_s,workers,runtime_s\n-1,1,1\n"), testing::HasSubstr("t.csv:2:1: '-1' is not"));
  EXPECT_THAT(refused("at_s,workers,runtime_s,priority\n1,1,1,11\n"), testing::HasSubstr("whole number of -10 to 10"));
  EXPECT_THAT(refused("at_s,workers,runtime_s\n1,1\n"), testing::HasSubstr("2 fields under 3 columns"));
  EXPECT_THAT(refused("at_s,workers,runtime_s\n"), testing::HasSubstr("no flare"));
}

TEST(Generate, GivesTheLoadThatWasAskedFor) {
  for (const auto pattern : {Pattern::kPoisson, Pattern::kBursty}) {
    const Generator generator{.flares = 5000, .pattern = pattern, .load = 0.7};
    const auto arrivals = generate(generator);
    double work = 0;
    std::map<std::string, int> owners;
    for (const auto& each : arrivals) {
      work += each.workers * std::chrono::duration<double>(each.runtime).count();
      EXPECT_LE(each.runtime, each.limit);
      ++owners[each.namespace_name];
    }
    EXPECT_TRUE(std::ranges::is_sorted(arrivals, {}, &Arrival::at));
    const double span = std::chrono::duration<double>(arrivals.back().at).count();
    EXPECT_NEAR(work / (span * static_cast<double>(generator.slots)), 0.7, 0.001);
    EXPECT_EQ(owners.size(), 4);
    EXPECT_NEAR(owners["ns-0"], 2500, 500);
    EXPECT_EQ(generate(generator).back().at, arrivals.back().at);
  }
}

TEST(Simulate, AFewFlaresByHand) {
  // 32 slots: the first takes 24, the second waits for it, the third passes the second, the fourth never fits.
  const auto arrivals =
      read_arrivals("at_s,workers,runtime_s,limit_s\n0,24,10,10\n1,32,5,10\n2,8,4,8\n3,33,1,1\n", "trace");
  const auto report = simulate(kCluster, {}, *arrivals);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->flares, 4);
  EXPECT_EQ(report->started, 3);
  EXPECT_EQ(report->waited, 1);
  EXPECT_EQ(report->overtook, 1);
  EXPECT_EQ(report->refused, (std::map<std::string, std::size_t>{{"never_fits", 1}}));
  EXPECT_DOUBLE_EQ(report->span, 15);
  EXPECT_DOUBLE_EQ(report->utilisation, (24 * 10 + 32 * 5 + 8 * 4) / (15.0 * 32));
  EXPECT_DOUBLE_EQ(report->wait.max, 9);
  EXPECT_EQ(report->longest_queue, 1);
}

TEST(Simulate, TheJournalGivesTheSameDecisionsAgain) {
  const auto arrivals = generate({.seed = 7,
                                  .flares = 1500,
                                  .pattern = Pattern::kBursty,
                                  .load = 1.1,
                                  .slots = 32,
                                  .most_workers = 32,
                                  .granularity = 4});
  scheduler::Policy policy;
  policy.shares["ns-0"] = {.weight = 2, .quota = 24};
  std::string journal;
  const auto report =
      simulate(kCluster, policy, arrivals, [&](std::string_view line) { journal += std::string(line) + "\n"; });
  ASSERT_TRUE(report);
  EXPECT_GT(report->waited, 100);
  EXPECT_GT(report->overtook, 10);
  std::istringstream lines(journal);
  const auto replayed = scheduler::replay(lines);
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_EQ(replayed->starts, report->started);

  // Another policy decides otherwise, and the first such line is named.
  auto other = journal;
  other.replace(other.find("\"weight\":2"), 10, "\"weight\":9");
  std::istringstream changed(other);
  const auto differs = scheduler::replay(changed);
  ASSERT_FALSE(differs);
  EXPECT_THAT(differs.error().message, testing::HasSubstr("another decision than the recorded one"));
  std::istringstream broken("{\"policy\":3}\n");
  EXPECT_THAT(scheduler::replay(broken).error().message, testing::HasSubstr("line 1 is not one of a record"));
}

TEST(Simulate, BackfillUsesWhatTheHeadLeavesIdle) {
  auto arrivals = generate({.seed = 3, .flares = 1500, .load = 1.2, .slots = 32, .most_workers = 32});
  const auto with = simulate(kCluster, {}, arrivals);
  // With limits that nobody can end before, only what the head does not need is left to others.
  for (auto& each : arrivals) each.limit = 24h;
  const auto without = simulate(kCluster, {}, arrivals);
  ASSERT_TRUE(with && without);
  EXPECT_GT(with->utilisation, without->utilisation);
  EXPECT_GT(with->overtook, without->overtook);
}

TEST(Jain, IsOneForEqualsAndOneNthForOne) {
  EXPECT_DOUBLE_EQ(jain_index({3, 3, 3}), 1);
  EXPECT_DOUBLE_EQ(jain_index({5, 0, 0, 0}), 0.25);
  EXPECT_DOUBLE_EQ(jain_index({}), 1);
}

}  // namespace
}  // namespace gust::simulation
