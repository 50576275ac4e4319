// What gust-transport-s3.so exports.
#include "transport/backend_library.h"
#include "transport/s3/s3_transport.h"

namespace {

constexpr gust::transport::Backend kBackends[] = {
    {.name = "s3", .open = gust::transport::s3::open, .remove_flare = gust::transport::s3::remove_flare},
};

}  // namespace

GUST_BACKEND_LIBRARY(kBackends);
