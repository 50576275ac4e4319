#include "transport/backend.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/testing/test_folder.h"

namespace gust::transport {
namespace {

TEST(Backends, HaveNamesAndSettings) {
  EXPECT_EQ(backend_names().front(), "tcp");
  EXPECT_EQ(backend_setting("tcp"), "");
  EXPECT_EQ(backend_setting("carrier-pigeon"), "");
  EXPECT_EQ(backend_setting("redis-stream"), "redis");
  for (const std::string_view name : backend_names().subspan(1)) EXPECT_NE(backend_setting(name), "") << name;
}

TEST(Backends, AnUnknownOneIsRefused) {
  const auto loaded = load_backend("carrier-pigeon", "/nowhere");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
  EXPECT_NE(loaded.error().message.find("'carrier-pigeon'"), std::string::npos) << loaded.error().message;
  EXPECT_NE(loaded.error().message.find("tcp, redis-list, "), std::string::npos) << loaded.error().message;
}

TEST(Backends, AMissingObjectIsNamed) {
  const auto loaded = load_backend("redis-list", "/nowhere");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_NE(loaded.error().message.find("/nowhere/gust-transport-redis.so"), std::string::npos);
}

TEST(Backends, AnObjectThatIsNoneIsRefused) {
  const TestFolder folder;
  ASSERT_TRUE(write_whole_file(folder.path() / "gust-transport-s3.so", "not an object"));
  const auto loaded = load_backend("s3", folder.path().string());
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace gust::transport
