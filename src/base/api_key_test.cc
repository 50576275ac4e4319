#include "base/api_key.h"

#include <gtest/gtest.h>

namespace gust {
namespace {

TEST(ApiKey, AKeyWithoutAColonIsGusts) {
  EXPECT_EQ(normalise_api_key("secret"), "gust:secret");
  EXPECT_EQ(normalise_api_key("uuid:secret"), "uuid:secret");
  EXPECT_EQ(normalise_api_key("a:b:c"), "a:b:c");
}

TEST(ApiKey, AKeyHasAUserAndASecret) {
  for (const char* key : {"", "secret", "user:secret", "a:b:c", "a:b:", "x:\"q", "ü:ö"})
    EXPECT_EQ(parse_api_key(key), key);
  for (const char* key : {":", "user:", ":secret", "user:secret\n", "us\177er:secret", "\xff:secret"}) {
    const auto refused = parse_api_key(key);
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(refused.error().message.find("secret\n"), std::string::npos) << "it is not repeated";
  }
}

}  // namespace
}  // namespace gust
