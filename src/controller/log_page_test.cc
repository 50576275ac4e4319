#include "controller/log_page.h"

#include <gtest/gtest.h>

namespace gust::controller {
namespace {

// Two packs, of workers 0 and 1, and 2: a0 a1 | b0 | a2 in the order of their arrival.
store::FlareRecord flare() {
  store::FlareRecord flare;
  flare.burst_size = 3;
  flare.packs.resize(2);
  flare.packs[0].workers = {WorkerId(0), 2};
  flare.packs[1].workers = {WorkerId(2), 1};
  for (const char* text : {"a0", "a1", "a2"}) flare.packs[0].logs.push_back({WallTime(), false, text});
  flare.packs[1].logs.push_back({WallTime(), true, "b0"});
  flare.log_order = {{.pack = 0, .lines = 2}, {.pack = 1, .lines = 1}, {.pack = 0, .lines = 1}};
  return flare;
}

constexpr WorkerRange kAll{WorkerId(0), 3};
constexpr WorkerRange kFirst{WorkerId(0), 2};
constexpr WorkerRange kSecond{WorkerId(2), 1};

std::string texts(const LogPage& page) {
  std::string texts;
  for (const store::LogLine& line : page.lines) texts += line.text + " ";
  return texts;
}

TEST(LogPage, LinesComeInTheOrderOfTheirArrival) {
  const LogPage page = read_log_page(flare(), kAll, 0);
  EXPECT_EQ(texts(page), "a0 a1 b0 a2 ");
  EXPECT_EQ(page.next, 4U);
  EXPECT_FALSE(page.ended);
}

TEST(LogPage, EveryBeginningGivesTheRest) {
  EXPECT_EQ(texts(read_log_page(flare(), kAll, 1)), "a1 b0 a2 ");
  EXPECT_EQ(texts(read_log_page(flare(), kAll, 2)), "b0 a2 ");
  EXPECT_EQ(texts(read_log_page(flare(), kAll, 3)), "a2 ");
  EXPECT_EQ(texts(read_log_page(flare(), kAll, 4)), "");
  const LogPage beyond = read_log_page(flare(), kAll, 99);
  EXPECT_EQ(texts(beyond), "");
  EXPECT_EQ(beyond.next, 4U);
}

TEST(LogPage, AnActivationHasItsOwnLinesOnly) {
  EXPECT_EQ(texts(read_log_page(flare(), kFirst, 0)), "a0 a1 a2 ");
  EXPECT_EQ(texts(read_log_page(flare(), kSecond, 0)), "b0 ");
  const LogPage rest = read_log_page(flare(), kSecond, 3);
  EXPECT_EQ(texts(rest), "");
  EXPECT_EQ(rest.next, 4U);  // other packs' lines are behind it, too
}

TEST(LogPage, AFullPageEndsBeforeTheNextLine) {
  store::FlareRecord ended = flare();
  ended.state = store::FlareState::kSucceeded;
  std::string all;
  std::uint64_t from = 0;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    const LogPage page = read_log_page(ended, kFirst, from, Bytes(1));
    EXPECT_LE(page.lines.size(), 1U);
    all += texts(page);
    more = !page.ended;
    ASSERT_TRUE(page.ended || page.next > from);
    from = page.next;
  }
  EXPECT_EQ(all, "a0 a1 a2 ");
  EXPECT_EQ(pages, 3);
}

TEST(LogPage, OfAStoredFlarePackAfterPack) {
  store::FlareRecord stored = flare();
  stored.log_order.clear();
  EXPECT_EQ(texts(read_log_page(stored, kAll, 0)), "a0 a1 a2 b0 ");
}

TEST(LogPage, AFlareThatWaitsHasNone) {
  store::FlareRecord waiting;
  const LogPage page = read_log_page(waiting, kAll, 0);
  EXPECT_TRUE(page.lines.empty());
  EXPECT_FALSE(page.ended);
}

}  // namespace
}  // namespace gust::controller
