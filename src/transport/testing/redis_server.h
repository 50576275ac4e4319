// redis-server for tests, and Valkey's, which speaks the same protocol: nothing is written to disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "transport/testing/server.h"

namespace gust::transport::testing {

/// `more` are further arguments of redis-server.
Result<std::unique_ptr<Server>> start_redis(std::vector<std::string> more = {});

std::string redis_uri(const Server& server);

/// The one that a test program's cases share, started when first asked for; null when none can be had.
const Server* shared_redis();
const Server* shared_valkey();
/// Why; empty when there is one.
std::string redis_missing();
std::string valkey_missing();

}  // namespace gust::transport::testing
