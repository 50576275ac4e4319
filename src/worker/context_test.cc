#include "worker/context.h"

#include <gtest/gtest.h>
#include <thread>

#include "worker/exchange.h"

namespace gust::worker {
namespace {

PackIdentity example() {
  return {.burst_id = "0123456789abcdef0123456789abcdef",
          .burst_size = 9,
          .pack_id = 1,
          .invoker_id = 7,
          .workers = {WorkerId(2), 3},
          .pack_first_worker = {0, 2, 5}};
}

// A pack that nobody communicates in.
struct Alone : Exchange {
  explicit Alone(const PackIdentity& pack)
      : Exchange(message::Layout(pack.burst_size, pack.pack_first_worker, PackId(pack.pack_id)), nullptr,
                 SteadyTime::max()) {}
};

void set_result(Context& context, std::string_view text) {
  context.abi()->api->set_result(context.abi(), text.data(), text.size());
}

void set_error(Context& context, std::string_view text) {
  context.abi()->api->set_error(context.abi(), text.data(), text.size());
}

TEST(Context, ShowsTheWorkerWhoItIs) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(4), 100);
  const gust_burst& burst = *context.abi();
  EXPECT_EQ(burst.api->abi_version, GUST_ABI_VERSION);
  EXPECT_EQ(burst.api->size, sizeof(gust_api));
  EXPECT_EQ(burst.burst_id, pack.burst_id);
  EXPECT_EQ(burst.worker_id, 4u);
  EXPECT_EQ(burst.burst_size, 9u);
  EXPECT_EQ(burst.pack_id, 1u);
  EXPECT_EQ(burst.pack_size, 3u);
  EXPECT_EQ(burst.pack_count, 3u);
  EXPECT_EQ(burst.pack_leader, 2u);
  EXPECT_EQ(burst.invoker_id, 7u);
}

TEST(Context, FindsThePackOfEveryWorker) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 100);
  const std::uint32_t expected[] = {0, 0, 1, 1, 1, 2, 2, 2, 2};
  for (std::uint32_t worker = 0; worker < 9; ++worker) {
    EXPECT_EQ(context.abi()->api->pack_of(context.abi(), worker), expected[worker]);
  }
  EXPECT_EQ(context.abi()->api->pack_of(context.abi(), 9), UINT32_MAX);
  EXPECT_EQ(context.abi()->api->pack_of(context.abi(), UINT32_MAX), UINT32_MAX);
}

TEST(Context, NoResultIsNull) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 100);
  const Outcome outcome = context.finish(0);
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.text, "null");
}

TEST(Context, TheLastResultCounts) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 8);
  set_result(context, "1");
  set_result(context, std::string(9, 'x'));
  set_result(context, "12345678");
  const Outcome outcome = context.finish(0);
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.text, "12345678");
}

TEST(Context, AResultOverTheLimitIsAnErrorThatNamesBoth) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 8);
  set_result(context, "123456789");
  const Outcome outcome = context.finish(0);
  EXPECT_FALSE(outcome.ok);
  EXPECT_NE(outcome.text.find("9 bytes exceeds the limit of 8 bytes"), std::string::npos) << outcome.text;
}

TEST(Context, AnErrorGoesBeforeAResult) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 8);
  set_result(context, "1");
  set_error(context, "no such file");
  const Outcome outcome = context.finish(1);
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.text, "no such file");
}

TEST(Context, AnErrorWithoutAMessageSaysWhatWasReturned) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 8);
  EXPECT_NE(context.finish(-3).text.find("-3"), std::string::npos);
}

TEST(Context, AVeryLongErrorIsCut) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 8);
  set_error(context, std::string(1 << 20, 'e'));
  EXPECT_EQ(context.finish(1).text.size(), std::size_t{64} << 10);
}

TEST(Context, MayBeUsedByThreadsOfTheWorker) {
  const PackIdentity pack = example();
  Alone exchange(pack);
  Context context(pack, exchange, WorkerId(2), 100);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&context, i] {
        for (int round = 0; round < 1000; ++round) set_result(context, std::string(50, static_cast<char>('0' + i)));
      });
    }
  }
  const Outcome outcome = context.finish(0);
  EXPECT_EQ(outcome.text, std::string(50, outcome.text.at(0)));
}

}  // namespace
}  // namespace gust::worker
