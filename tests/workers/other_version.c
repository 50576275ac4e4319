#include <gust/gust.h>

/* As if built with the headers of another version. */
static int work(gust_burst* burst, const char* params, size_t size) {
  (void)burst, (void)params, (void)size;
  return 0;
}

GUST_EXPORT const gust_worker_object gust_worker = {GUST_ABI_VERSION + 41, sizeof(gust_worker_object), work};
