#include "controller/backends.h"

#include <gtest/gtest.h>

namespace gust::controller {
namespace {

TEST(Backends, TcpNeedsNothing) {
  const Backends backends({}, "/nowhere");
  EXPECT_EQ(backends.choose("").value_or("?"), "tcp");
  EXPECT_EQ(backends.choose("tcp").value_or("?"), "tcp");
  EXPECT_EQ(backends.uri("tcp"), "");
}

TEST(Backends, OnesWithAServerAreChosenWhenItIsKnown) {
  const Backends backends({{"redis", "redis://cache"}}, "/nowhere");
  EXPECT_EQ(backends.choose("redis").value_or("?"), "redis-list");
  EXPECT_EQ(backends.choose("redis-list").value_or("?"), "redis-list");
  EXPECT_EQ(backends.choose("redis-stream").value_or("?"), "redis-stream");
  EXPECT_EQ(backends.uri("redis-stream"), "redis://cache");
}

TEST(Backends, OthersAreRefusedWithWhatWouldBeRight) {
  const Backends backends({{"redis", "redis://cache"}}, "/nowhere");
  const auto unknown = backends.choose("pigeon");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalid);
  EXPECT_NE(unknown.error().message.find("'pigeon' is none of tcp, redis-list"), std::string::npos);
  const auto unset = backends.choose("s3");
  ASSERT_FALSE(unset);
  EXPECT_EQ(unset.error().code, ErrorCode::kInvalid);
  EXPECT_NE(unset.error().message.find("GUST_S3"), std::string::npos) << unset.error().message;
}

TEST(Backends, ThatNothingCanBeRemovedHoldsUpNobody) {
  Backends backends({{"redis", "redis://cache"}}, "/nowhere");
  store::FlareRecord flare;
  flare.id = FlareId(std::string(32, 'f'));
  flare.backend = "redis-list";
  flare.packs.resize(2);
  backends.remove(flare);  // logged; the destructor waits for it
}

}  // namespace
}  // namespace gust::controller
