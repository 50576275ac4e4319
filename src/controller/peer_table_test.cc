#include "controller/peer_table.h"

#include <gtest/gtest.h>

namespace gust::controller {
namespace {

protocol::PackReport address(std::uint32_t pack) {
  protocol::PackReport report;
  report.set_pack_id(pack);
  report.set_peer_address("tcp:10.0.0.7:" + std::to_string(4000 + pack));
  return report;
}

protocol::PackReport end(std::uint32_t pack) {
  protocol::PackReport report;
  report.set_pack_id(pack);
  report.mutable_ended();
  return report;
}

TEST(PeerTable, TellsEachAddressOnce) {
  PeerTable table;
  table.take(address(1));
  table.take(address(0));
  table.take(address(1));
  const auto news = table.take_news();
  ASSERT_EQ(news.size(), 2u);
  EXPECT_EQ(news[0].pack_id(), 1u);
  EXPECT_EQ(news[0].address(), "tcp:10.0.0.7:4001");
  EXPECT_TRUE(table.take_news().empty());
}

TEST(PeerTable, SaysNothingWhileNobodyCommunicates) {
  PeerTable table;
  table.take(end(0));
  EXPECT_TRUE(table.take_news().empty());
  table.take(address(1));
  const auto news = table.take_news();
  ASSERT_EQ(news.size(), 2u) << "whoever communicates learns of those that ended before";
  EXPECT_EQ(news[0].address(), "");
}

TEST(PeerTable, TheEndOfAPackThatCommunicatedIsSeenOnItsConnections) {
  PeerTable table;
  table.take(address(0));
  table.take(end(0));
  EXPECT_EQ(table.take_news().size(), 1u);
}

TEST(PeerTable, ByWayOfAServerEveryEndIsTold) {
  PeerTable table;
  table.tell_all_ends();
  table.take(end(2));
  EXPECT_TRUE(table.take_news().empty());
  table.take(address(0));
  table.take(end(0));
  const auto news = table.take_news();
  ASSERT_EQ(news.size(), 3u);
  EXPECT_EQ(news[0].pack_id(), 2u);
  EXPECT_EQ(news[1].pack_id(), 0u);
  EXPECT_NE(news[1].address(), "");
  EXPECT_EQ(news[2].pack_id(), 0u);
  EXPECT_EQ(news[2].address(), "");
}

}  // namespace
}  // namespace gust::controller
