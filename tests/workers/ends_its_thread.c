#include <gust/gust.h>
#include <pthread.h>

/* Does not return. */
static int work(gust_burst* burst, const char* params, size_t size) {
  burst->api->set_result(burst, params, size);
  pthread_exit(NULL);
}

GUST_EXPORT const gust_worker_object gust_worker = {GUST_ABI_VERSION, sizeof(gust_worker_object), work};
