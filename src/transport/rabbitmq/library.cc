#include "transport/backend_library.h"
#include "transport/rabbitmq/rabbitmq.h"

GUST_BACKEND_LIBRARY(gust::transport::rabbitmq::kBackends);
