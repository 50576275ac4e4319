#include <stdio.h>
#include <string.h>

#include <gust/gust.h>

/* A worker in C that talks: a ring, operations of all workers, and the same without waiting. */

#define CHECK(call)                                                 \
  do {                                                              \
    if ((call) != GUST_OK) return fail(burst, api->failure(burst)); \
  } while (0)

static int fail(gust_burst* burst, const char* why) {
  burst->api->set_error(burst, why, strlen(why));
  return 1;
}

static gust_buffer* number(const gust_api* api, uint32_t value) {
  gust_buffer* buffer = api->buffer_new(sizeof value);
  if (buffer != NULL) memcpy(api->buffer_data(buffer), &value, sizeof value);
  return buffer;
}

/* The number in a buffer, which is let go. */
static uint32_t value_of(const gust_api* api, gust_buffer* buffer) {
  uint32_t value = UINT32_MAX;
  if (api->buffer_size(buffer) == sizeof value) memcpy(&value, api->buffer_data(buffer), sizeof value);
  api->buffer_release(buffer);
  return value;
}

static void add(void* context, void* into, const void* from, size_t count) {
  uint32_t* sums = into;
  const uint32_t* values = from;
  (void)context;
  for (size_t i = 0; i < count; ++i) sums[i] += values[i];
}

/* By worker: an operation may outlast the function that started it. */
static uint32_t released[1000];

static void count_release(void* context) { ++*(uint32_t*)context; }

static int work(gust_burst* burst, const char* params, size_t size) {
  const gust_api* api = burst->api;
  (void)params, (void)size;
  if (api->size < sizeof(gust_api)) return fail(burst, "this Gust is too old");
  const uint32_t next = (burst->worker_id + 1) % burst->burst_size;
  uint32_t sender = 0;
  gust_buffer* got = NULL;

  gust_buffer* mine = number(api, burst->worker_id);
  CHECK(api->send(burst, next, mine, GUST_NO_LIMIT));
  CHECK(api->recv(burst, GUST_ANY, &got, &sender, GUST_NO_LIMIT));
  const uint32_t previous = value_of(api, got);
  if (previous != sender) return fail(burst, "the wrong sender");

  CHECK(api->broadcast(burst, 0, mine, &got, GUST_NO_LIMIT));
  const uint32_t from_root = value_of(api, got);
  CHECK(api->reduce(burst, GUST_ALL, &burst->worker_id, 1, sizeof(uint32_t), add, NULL, &got, GUST_NO_LIMIT));
  const uint32_t sum = value_of(api, got);
  CHECK(api->barrier(burst, GUST_NO_LIMIT));

  /* Wrong calls, and a limit: a status, and a sentence. */
  if (api->send(burst, burst->burst_size, mine, 0) != GUST_INVALID) return fail(burst, "sent to nobody");
  if (api->recv(burst, GUST_ANY, &got, NULL, 0) != GUST_TIMED_OUT) return fail(burst, "something came");
  if (strstr(api->failure(burst), "timed out") == NULL) return fail(burst, "no sentence");

  CHECK(api->barrier(burst, GUST_NO_LIMIT)); /* before somebody does send something */

  gust_request* receive = NULL;
  gust_request* send = NULL;
  gust_request* reduce = NULL;
  CHECK(api->start_recv(burst, previous, &receive));
  CHECK(api->start_reduce(burst, GUST_ALL, mine, sizeof(uint32_t), add, &released[burst->worker_id], count_release,
                          GUST_NO_LIMIT, &reduce));
  CHECK(api->start_send(burst, next, mine, &send));
  CHECK(api->request_wait(burst, receive, &got, &sender, GUST_NO_LIMIT));
  if (!api->request_ready(burst, receive) || value_of(api, got) != sender) return fail(burst, "not what was sent");
  if (api->request_wait(burst, receive, &got, NULL, 0) != GUST_INVALID) return fail(burst, "received it twice");
  CHECK(api->request_wait(burst, send, NULL, NULL, GUST_NO_LIMIT));
  CHECK(api->request_wait(burst, reduce, &got, NULL, GUST_NO_LIMIT));
  const uint32_t sum_later = value_of(api, got);
  api->request_release(burst, receive);
  api->request_release(burst, send);
  api->request_release(burst, reduce);
  api->request_release(burst, NULL);
  api->buffer_release(mine);
  if (released[burst->worker_id] != 1) return fail(burst, "the context was not released with the request");

  char answer[200];
  const int length = snprintf(answer, sizeof answer, "[%u, %u, %u, %u]", previous, from_root, sum, sum_later);
  api->set_result(burst, answer, (size_t)length);
  return 0;
}

GUST_EXPORT const gust_worker_object gust_worker = {GUST_ABI_VERSION, sizeof(gust_worker_object), work};
