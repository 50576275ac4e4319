// What goes to invokers in which order, and what they keep of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/code_shelf.h"
#include "controller/link_queue.h"
#include "protocol/version.h"

namespace gust::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

MessagePtr start(const std::string& flare, const std::string& digest) {
  auto message = std::make_shared<protocol::ControllerMessage>();
  message->mutable_start_packs()->set_flare_id(flare);
  message->mutable_start_packs()->set_code_digest(digest);
  return message;
}

std::string show(const protocol::ControllerMessage& message) {
  if (message.has_code()) return "code " + message.code().digest();
  if (message.has_start_packs()) return "start " + message.start_packs().flare_id();
  if (message.has_stop_flare()) return "stop " + message.stop_flare().flare_id();
  if (message.has_drop_code()) return "drop " + message.drop_code().digest();
  return message.has_forget() ? "forget" : "?";
}

std::vector<std::string> drain(LinkQueue& queue, std::size_t most = 100) {
  std::vector<std::string> shown;
  while (!queue.empty() && shown.size() < most) shown.push_back(show(*queue.pop()));
  return shown;
}

TEST(LinkQueueTest, WhatNeedsNoPackageOvertakesIt) {
  LinkQueue queue;
  const std::string large(2 * protocol::kCodePieceBytes + 1, 'x');
  for (const MessagePtr& piece : code_orders("big", large)) queue.push(piece);
  queue.push(start("1", "big"));
  queue.push(start("2", "small"));
  queue.push(stop_order(FlareId("2"), ""));
  queue.push(forget_order({"3"}));
  queue.push(stop_order(FlareId("1"), ""));
  queue.push(forget_order({"0", "1"}));
  EXPECT_THAT(drain(queue), ElementsAre("start 2", "stop 2", "forget", "code big", "code big", "code big", "start 1",
                                        "stop 1", "forget"));
}

TEST(LinkQueueTest, APackageThatHasGoneHoldsNobodyUp) {
  LinkQueue queue;
  for (const MessagePtr& piece : code_orders("a", "code")) queue.push(piece);
  queue.push(start("1", "a"));
  for (const MessagePtr& piece : code_orders("b", "code")) queue.push(piece);
  queue.push(drop_order("c"));
  EXPECT_THAT(drain(queue, 2), ElementsAre("code a", "start 1"));
  queue.push(start("2", "a"));
  queue.push(stop_order(FlareId("1"), ""));
  EXPECT_THAT(drain(queue), ElementsAre("start 2", "stop 1", "code b", "drop c"));
  queue.push(drop_order("c"));
  queue.clear();
  EXPECT_TRUE(queue.empty());
}

TEST(CodeShelfTest, WhatWasUsedLongestAgoGoesFirst) {
  CodeShelf shelf(Bytes(10));
  const auto nothing = [](const std::string&) { return false; };
  EXPECT_FALSE(shelf.use("a"));
  EXPECT_THAT(shelf.add("a", Bytes(4), nothing), IsEmpty());
  EXPECT_THAT(shelf.add("b", Bytes(4), nothing), IsEmpty());
  EXPECT_TRUE(shelf.use("a"));
  EXPECT_THAT(shelf.add("c", Bytes(4), nothing), ElementsAre("b"));
  EXPECT_FALSE(shelf.use("b"));
  EXPECT_THAT(shelf.add("d", Bytes(10), nothing), ElementsAre("a", "c"));
  EXPECT_EQ(shelf.size(), Bytes(10));
}

TEST(CodeShelfTest, WhatIsInUseStays) {
  CodeShelf shelf(Bytes(10));
  const auto is_a = [](const std::string& digest) { return digest == "a"; };
  EXPECT_THAT(shelf.add("a", Bytes(6), is_a), IsEmpty());
  EXPECT_THAT(shelf.add("b", Bytes(4), is_a), IsEmpty());
  EXPECT_THAT(shelf.add("c", Bytes(6), is_a), ElementsAre("b"));
  EXPECT_EQ(shelf.size(), Bytes(12));
  CodeShelf unlimited;
  EXPECT_THAT(unlimited.add("a", Bytes::mb(1 << 20), is_a), IsEmpty());
  EXPECT_THAT(unlimited.add("b", Bytes::mb(1 << 20), is_a), IsEmpty());
}

}  // namespace
}  // namespace gust::controller
