// Ids, sizes and encodings: what is written and read back.
#include <gtest/gtest.h>
#include <set>
#include <unordered_set>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace gust {
namespace {

TEST(Ids, RandomOnesAreValidAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id = random_hex_id();
    EXPECT_TRUE(is_hex_id(id)) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(Ids, OnlyThirtyTwoLowerCaseHexDigitsAreOne) {
  const std::string good = "0123456789abcdef0123456789abcdef";
  EXPECT_TRUE(is_hex_id(good));
  EXPECT_FALSE(is_hex_id(""));
  EXPECT_FALSE(is_hex_id(good.substr(1)));
  EXPECT_FALSE(is_hex_id(good + "0"));
  EXPECT_FALSE(is_hex_id("0123456789ABCDEF0123456789abcdef"));
  EXPECT_FALSE(is_hex_id("0123456789abcdefg123456789abcdef"));
}

TEST(Ids, AreOrderedAndHashed) {
  EXPECT_LT(WorkerId(2), WorkerId(10));
  EXPECT_EQ(std::unordered_set<PackId>({PackId(1), PackId(1), PackId(2)}).size(), 2U);
  const WorkerRange range{.first = WorkerId(4), .count = 2};
  EXPECT_FALSE(range.contains(WorkerId(3)));
  EXPECT_TRUE(range.contains(WorkerId(5)));
  EXPECT_FALSE(range.contains(WorkerId(6)));
}

TEST(BytesText, IsWrittenInTheLargestUnit) {
  EXPECT_EQ(to_string(Bytes(0)), "0 bytes");
  EXPECT_EQ(to_string(Bytes(1023)), "1023 bytes");
  EXPECT_EQ(to_string(Bytes::mb(512)), "512 MB");
  EXPECT_EQ(to_string(Bytes::mb(1536)), "1.5 GB");
}

TEST(BytesText, IsReadInAnyUnitAndCase) {
  EXPECT_EQ(parse_bytes("4096"), Bytes(4096));
  EXPECT_EQ(parse_bytes("64k"), Bytes(65536));
  EXPECT_EQ(parse_bytes("512MB"), Bytes::mb(512));
  EXPECT_EQ(parse_bytes("1 GiB"), Bytes::mb(1024));
  EXPECT_EQ(parse_bytes(to_string(Bytes::mb(512))), Bytes::mb(512));
  for (const char* wrong : {"", "MB", "-1", "1.5", "1 XB", "18446744073709551616", "16777216 TB"}) {
    EXPECT_FALSE(parse_bytes(wrong)) << wrong;
  }
}

TEST(Base64, WhatIsEncodedIsDecoded) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes) << i;
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(base64_encode("gust"), "Z3VzdA==");
}

TEST(Base64, LineBreaksAndMissingPaddingAreFine) {
  EXPECT_EQ(base64_decode("Z3\r\nVzdA"), "gust");
  for (const char* wrong : {"Z", "Z3Vz dA==", "Z3=zdA==", "Z3Vz*A=="}) {
    EXPECT_FALSE(base64_decode(wrong)) << wrong;
  }
}

TEST(Digest, IsSha256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Keys, AreEqualOnlyAsAWhole) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("key", "key"));
  EXPECT_FALSE(constant_time_equal("key", "kez"));
  EXPECT_FALSE(constant_time_equal("key", "keys"));
}

}  // namespace
}  // namespace gust
