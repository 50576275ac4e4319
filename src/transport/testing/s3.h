// The S3 server that the tests of this process share.
#pragma once

#include <string>

#include "objectstore/testing/s3_server.h"

namespace gust::transport::testing {

/// Started by the first call, on its thread, which must live as long as the server is used.
Result<objectstore::testing::S3Server*> shared_s3();
/// Why there is none, or nothing: for Implementation::missing.
std::string s3_missing();

}  // namespace gust::transport::testing
