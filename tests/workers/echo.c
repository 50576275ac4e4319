#include <gust/gust.h>

/* A worker in C: its parameters, as they were. */
static int work(gust_burst* burst, const char* params, size_t size) {
  burst->api->set_result(burst, params, size);
  return 0;
}

GUST_EXPORT const gust_worker_object gust_worker = {GUST_ABI_VERSION, sizeof(gust_worker_object), work};
