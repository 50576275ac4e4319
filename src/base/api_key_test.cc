#include "base/api_key.h"

#include <gtest/gtest.h>

namespace gust {
namespace {

TEST(ApiKey, AKeyWithoutAColonIsGusts) {
  EXPECT_EQ(normalise_api_key("secret"), "gust:secret");
  EXPECT_EQ(normalise_api_key("uuid:secret"), "uuid:secret");
  EXPECT_EQ(normalise_api_key("a:b:c"), "a:b:c");
}

}  // namespace
}  // namespace gust
