// What gust-transport-redis.so exports.
#include <array>

#include "transport/backend_library.h"
#include "transport/redis/transport.h"

namespace {

constexpr gust::transport::Backend kBackends[] = {
    {.name = "redis-list",
     .open = gust::transport::redis::open_list,
     .remove_flare = gust::transport::redis::remove_flare},
    {.name = "redis-stream",
     .open = gust::transport::redis::open_stream,
     .remove_flare = gust::transport::redis::remove_flare},
};

}  // namespace

GUST_BACKEND_LIBRARY(kBackends);
