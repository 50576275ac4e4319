#include "transport/testing/s3.h"

#include <gtest/gtest.h>
#include <memory>

namespace gust::transport::testing {

using objectstore::testing::S3Server;

Result<S3Server*> shared_s3() {
  static const Result<std::unique_ptr<S3Server>> kServer = S3Server::start();
  if (!kServer) return std::unexpected(kServer.error());
  return kServer->get();
}

std::string s3_missing() {
  const auto server = shared_s3();
  if (server) return "";
  // Not built is no fault; built and not running is.
  EXPECT_EQ(server.error().code, ErrorCode::kNotFound) << server.error().message;
  return server.error().message;
}

}  // namespace gust::transport::testing
