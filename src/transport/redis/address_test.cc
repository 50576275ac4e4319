#include "transport/redis/address.h"

#include <gtest/gtest.h>

namespace gust::transport::redis {
namespace {

TEST(Address, IsRead) {
  const auto plain = parse_address("redis://cache.local");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->text(), "cache.local:6379");
  EXPECT_EQ(plain->database, 0u);
  EXPECT_EQ(plain->password, "");

  const auto full = parse_address("redis://me:a%40b%2Fc@[::1]:7000/3");
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(full->text(), "[::1]:7000");
  EXPECT_EQ(full->user, "me");
  EXPECT_EQ(full->password, "a@b/c");
  EXPECT_EQ(full->database, 3u);

  const auto without_user = parse_address("redis://:secret@10.0.0.1/");
  ASSERT_TRUE(without_user);
  EXPECT_EQ(without_user->user, "");
  EXPECT_EQ(without_user->password, "secret");
}

TEST(Address, WhatIsWrongIsSaidWithoutThePassword) {
  for (const char* uri : {"", "amqp://:pw@x", "rediss://:pw@x", "redis://", "redis://:pw@", "redis://pw@x",
                          "redis://:pw@x:", "redis://:pw@x:0", "redis://:pw@x:70000", "redis://:pw@x/y",
                          "redis://:pw@[::1", "redis://:pw@[::1]7", "redis://:pw%4@x", "redis://:pw%zz@x"}) {
    const auto address = parse_address(uri);
    ASSERT_FALSE(address) << uri;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(address.error().message.find("pw"), std::string::npos) << address.error().message;
    EXPECT_NE(address.error().message.find("write redis://"), std::string::npos);
  }
}

}  // namespace
}  // namespace gust::transport::redis
