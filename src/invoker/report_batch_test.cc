#include "invoker/report_batch.h"

#include <gtest/gtest.h>
#include <vector>

namespace gust::invoker {
namespace {

using namespace std::chrono_literals;

class ReportBatchTest : public ::testing::Test {
 protected:
  ReportBatchTest() { batch_.begin_session(ReportBatch::Keep::kUntilSent); }
  protocol::PackReport& report(ReportSlot& slot, std::uint32_t pack) { return batch_.report(slot, "flare", pack); }

  boost::asio::io_context io_;
  std::vector<protocol::Reports> sent_;
  ReportBatch batch_{io_, 10ms, [this](const auto& message) { sent_.push_back(message->reports()); }};
  ReportSlot first_;
  ReportSlot second_;
};

TEST_F(ReportBatchTest, NewsOfAPackComeTogether) {
  report(first_, 1).mutable_launched()->set_pid(5);
  report(second_, 2);
  report(first_, 1).mutable_loaded()->set_loaded_us(6);
  batch_.flush();
  ASSERT_EQ(sent_.size(), 1U);
  ASSERT_EQ(sent_[0].packs_size(), 2);
  EXPECT_EQ(sent_[0].packs(0).launched().pid(), 5);
  EXPECT_EQ(sent_[0].packs(0).loaded().loaded_us(), 6);
}

TEST_F(ReportBatchTest, OneMessageAtATime) {
  report(first_, 1);
  batch_.flush();
  report(first_, 1).mutable_launched()->set_pid(5);
  batch_.flush();
  EXPECT_EQ(sent_.size(), 1U);
  batch_.sent();
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[1].packs(0).launched().pid(), 5);
  batch_.sent();
  EXPECT_EQ(sent_.size(), 2U);
}

TEST_F(ReportBatchTest, NewsAreKeptForTheNextSessionUntilTheyAreForgotten) {
  batch_.begin_session(ReportBatch::Keep::kUntilForgotten);
  const auto tell = [this](const std::string& flare, std::uint32_t pack) {
    ReportSlot slot;
    batch_.report(slot, flare, pack);
    batch_.flush();
  };
  tell("one", 1);
  batch_.sent();
  tell("two", 2);  // on its way when the session ends
  batch_.end_session();
  tell("one", 3);
  EXPECT_EQ(sent_.size(), 2U);

  sent_.clear();
  batch_.begin_session(ReportBatch::Keep::kUntilForgotten);
  for (int i = 0; i < 4; ++i) batch_.sent();
  ASSERT_EQ(sent_.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(sent_[i].packs(0).pack_id(), i + 1);

  batch_.forget("one");
  sent_.clear();
  batch_.begin_session(ReportBatch::Keep::kUntilForgotten);
  for (int i = 0; i < 3; ++i) batch_.sent();
  EXPECT_EQ(sent_.size(), 2U) << "what stands behind another's is kept with that";
  batch_.forget("two");
  sent_.clear();
  batch_.begin_session(ReportBatch::Keep::kUntilForgotten);
  EXPECT_TRUE(sent_.empty());
  tell("three", 4);
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(ReportBatchTest, WhatIsForgottenBeforeItWasSentIsStillSent) {
  batch_.begin_session(ReportBatch::Keep::kUntilForgotten);
  report(first_, 1);
  batch_.forget("flare");
  batch_.forget("another");
  batch_.sent();
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(ReportBatchTest, NewsWaitNoLongerThanTheDelay) {
  report(first_, 1);
  io_.run();
  EXPECT_EQ(sent_.size(), 1U);
}

TEST_F(ReportBatchTest, NewsThatKeepComingAreToldLessAndLessOften) {
  const auto wait_for_message = [this] {
    const auto before = std::chrono::steady_clock::now();
    report(first_, 1);
    io_.restart();
    io_.run();
    batch_.sent();
    return std::chrono::steady_clock::now() - before;
  };
  EXPECT_GE(wait_for_message(), 10ms);
  EXPECT_GE(wait_for_message(), 20ms);
  EXPECT_GE(wait_for_message(), 40ms);
  EXPECT_GE(wait_for_message(), 40ms);
  EXPECT_EQ(sent_.size(), 4U);
}

TEST_F(ReportBatchTest, NothingIsNotSent) {
  batch_.flush();
  io_.run();
  EXPECT_TRUE(sent_.empty());
}

TEST_F(ReportBatchTest, AfterALostSessionNothingOldIsSent) {
  report(first_, 1);
  batch_.flush();
  report(second_, 2);
  batch_.clear();
  report(first_, 3);
  batch_.flush();
  ASSERT_EQ(sent_.size(), 2U);
  ASSERT_EQ(sent_[1].packs_size(), 1);
  EXPECT_EQ(sent_[1].packs(0).pack_id(), 3U);
}

TEST_F(ReportBatchTest, LargeResultsAreSpreadOverMessages) {
  for (std::uint32_t pack = 0; pack < 4; ++pack) {
    ReportSlot slot;
    report(slot, pack);
    batch_.grew(std::size_t{64} << 20);
    batch_.sent();
  }
  EXPECT_EQ(sent_.size(), 4U);
}

}  // namespace
}  // namespace gust::invoker
