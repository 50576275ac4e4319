/*
 * Gust's C ABI: the only border between the platform and user code.
 *
 * The problem it solves: a worker is loaded into `gust-pack`, a process built by somebody else with another compiler
 * and library. No C++ type crosses this border: only the structs and function pointers below, whose layout is fixed.
 * C++ programmers want <gust/worker.h>, which is header-only over this file; other languages bind to this one.
 *
 * A worker object is a shared object that exports one symbol, `gust_worker`, of type `gust_worker_object`:
 *
 *     static int work(gust_burst* burst, const char* params, size_t size) {
 *       static const char answer[] = "{\"hello\": \"world\"}";
 *       burst->api->set_result(burst, answer, sizeof answer - 1);
 *       return 0;
 *     }
 *     GUST_EXPORT const gust_worker_object gust_worker = {GUST_ABI_VERSION, sizeof(gust_worker_object), work};
 *
 * built for example with `cc -O2 -shared -fPIC hello.c -o hello.so`. The pack calls `work` once for each of its
 * workers, each on a thread of its own, all at the same time.
 */
#ifndef GUST_GUST_H
#define GUST_GUST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(readability-identifier-naming): names as in C */

/* Grows when the meaning or the layout of something below changes. Members are only ever added at the end of
 * gust_api, which a newer minor does without a new version: test `api->size` before using them. */
#define GUST_ABI_VERSION 1u

/* The name of the symbol that a worker object exports. */
#define GUST_WORKER_SYMBOL "gust_worker"

#define GUST_EXPORT __attribute__((visibility("default"), used))

typedef struct gust_burst gust_burst;

/* Bytes that workers send each other: reference counted, constant once somebody else may hold a reference. Inside a
 * pack it is the pointer that travels. A function that takes a buffer never takes the caller's reference; one that
 * gives a buffer gives a reference that the caller is to release. */
typedef struct gust_buffer gust_buffer;

/* What the functions below that talk to other workers return. */
typedef enum gust_status {
  GUST_OK = 0,
  GUST_INVALID = 1,   /* the call itself is wrong: no such worker, sizes or operations that do not fit together */
  GUST_TIMED_OUT = 2, /* the time limit passed; the message names whom the call waited for */
  GUST_LOST = 3,      /* what the call needs can no longer happen: a worker has ended, a pack is lost */
  GUST_NO_MEMORY = 4
} gust_status;

/* Stands for "from any worker" in recv, and for "the result goes to every worker" as a root. */
#define GUST_ANY UINT32_MAX
#define GUST_ALL UINT32_MAX

/* As a time limit: as long as the flare may run. */
#define GUST_NO_LIMIT INT64_C(-1)

/* into[i] = into[i] op from[i], for `count` elements, where `into` stems from workers with lower ids. The operator has
 * to be associative in the mathematical sense; it is applied from the left, in the order of worker ids, so the result
 * does not depend on the packing. Called on any worker's thread; must not throw. */
typedef void (*gust_combine)(void* context, void* into, const void* from, size_t count);

/* A call that was started and is waited for later. Used by one thread at a time; to be released by the caller. */
typedef struct gust_request gust_request;

/* What this pack has sent: payload, without headers. What workers of a pack exchange in collectives is not counted,
 * because it does not travel. */
typedef struct gust_traffic {
  uint64_t local_messages;
  uint64_t local_bytes;
  uint64_t remote_messages;
  uint64_t remote_bytes;
} gust_traffic;

/* What the platform offers to a worker. All functions may be called from any thread of the worker, while `work` runs;
 * those that have a time limit block. A time limit is in microseconds; 0 does not wait. */
typedef struct gust_api {
  uint32_t abi_version; /* GUST_ABI_VERSION of the pack */
  uint32_t size;        /* sizeof(gust_api) of the pack */

  /* Sets the worker's result: `size` bytes of JSON text in UTF-8, copied. The last call counts; without one the result
   * is null. A text of more than 16 MiB makes the worker fail, and so does one that is not JSON. */
  void (*set_result)(gust_burst* burst, const char* json, size_t size);
  /* Sets the message that is reported when `work` returns non-zero: `size` bytes of UTF-8, copied; of a message longer
   * than 64 KiB the beginning. */
  void (*set_error)(gust_burst* burst, const char* message, size_t size);
  /* The pack that runs `worker_id`; UINT32_MAX when there is no such worker. */
  uint32_t (*pack_of)(const gust_burst* burst, uint32_t worker_id);

  /* From here on: since the minor version with messages; `size` tells whether they are there. */

  /* `size` bytes, not initialised, aligned for any fundamental type, to be written before the buffer is handed to
   * anybody. NULL when there is no memory. */
  gust_buffer* (*buffer_new)(size_t size);
  /* The caller's memory as a buffer; `release(context)` is called, on any thread, when nobody needs it any more. NULL
   * when there is no memory. */
  gust_buffer* (*buffer_wrap)(void* data, size_t size, void (*release)(void* context), void* context);
  void* (*buffer_data)(const gust_buffer* buffer);
  size_t (*buffer_size)(const gust_buffer* buffer);
  void (*buffer_retain)(gust_buffer* buffer);
  void (*buffer_release)(gust_buffer* buffer); /* NULL is allowed */

  /* Why the calling thread's last call failed: a sentence, valid until its next call. */
  const char* (*failure)(const gust_burst* burst);

  /* Messages from one worker to another arrive in the order in which they were sent. send returns when the message is
   * on its way, which waits only while the receiver has very much that it has not received. */
  gust_status (*send)(gust_burst* burst, uint32_t to, gust_buffer* data, int64_t limit_us);
  /* The next message of `from`, or with GUST_ANY whatever arrived first; `sender` may be NULL. */
  gust_status (*recv)(gust_burst* burst, uint32_t from, gust_buffer** data, uint32_t* sender, int64_t limit_us);

  /* Operations in which all workers of the burst take part: all call the same ones, in the same order, each on one
   * thread at a time. One that fails fails for all, and so do those after it. */

  /* Returns when all have called it. */
  gust_status (*barrier)(gust_burst* burst, int64_t limit_us);
  /* Gives every worker root's `data`; NULL in others. */
  gust_status (*broadcast)(gust_burst* burst, uint32_t root, gust_buffer* data, gust_buffer** result, int64_t limit_us);
  /* Combines `count` elements of `element_size` bytes of each worker. `result` is NULL for workers other than root,
   * unless root is GUST_ALL. */
  gust_status (*reduce)(gust_burst* burst, uint32_t root, const void* data, size_t count, size_t element_size,
                        gust_combine combine, void* context, gust_buffer** result, int64_t limit_us);
  /* Gives root (GUST_ALL: every worker) what each worker brings, of any size: burst_size entries in `results`, by
   * worker id; not written in others. */
  gust_status (*gather)(gust_burst* burst, uint32_t root, gust_buffer* data, gust_buffer** results, int64_t limit_us);
  /* Gives worker i root's data[i], of any size; `data` has burst_size entries there and is NULL in others. */
  gust_status (*scatter)(gust_burst* burst, uint32_t root, gust_buffer* const* data, gust_buffer** result,
                         int64_t limit_us);
  /* Gives worker i each worker's data[i], of any size: burst_size entries in `data` and in `results`. */
  gust_status (*all_to_all)(gust_burst* burst, gust_buffer* const* data, gust_buffer** results, int64_t limit_us);

  /* Memory of `size` bytes that all workers of this pack that name the same `key` share: zero at first, aligned to 64
   * bytes, there until the pack ends. NULL when there is no memory, or when it was asked for with another size. Does
   * not block; who writes and who reads when is the workers' business, for example with a barrier. */
  void* (*shared)(gust_burst* burst, const char* key, size_t key_size, size_t size);

  void (*traffic)(const gust_burst* burst, gust_traffic* traffic);

  /* From here on: since the minor version with calls that do not wait; `size` tells whether they are there.
   *
   * start_X does what X does and returns at once; *request is then to be given to request_release. Any number may be
   * under way. They are over in any order; their order among the worker's other calls is that in which they were
   * started:
   * - a message that is started to be sent arrives before all that the worker sends to the same receiver later;
   * - a started receive gets its message before all receives that the worker starts or makes later and that could have
   *   got it, too;
   * - operations of all workers are matched by the order in which each worker starts or makes them: one may start what
   *   others call in the blocking form.
   * Their errors are those of the blocking forms: a start fails only for what is wrong at once, request_wait for all
   * else. limit_us is the whole operation's, from its start; sends and receives may take as long as the flare.
   * Buffers are kept by reference, so the caller may release its own at once.
   *
   * A request may be released before it is over. A send and an operation of all workers then go on, also after `work`
   * has returned; the worker counts as ended when they are over, unless it has failed: then so do they. A receive is
   * withdrawn; a message that it has got is the next one to be received. */
  gust_status (*start_send)(gust_burst* burst, uint32_t to, gust_buffer* data, gust_request** request);
  gust_status (*start_recv)(gust_burst* burst, uint32_t from, gust_request** request);
  gust_status (*start_barrier)(gust_burst* burst, int64_t limit_us, gust_request** request);
  gust_status (*start_broadcast)(gust_burst* burst, uint32_t root, gust_buffer* data, int64_t limit_us,
                                 gust_request** request);
  /* `data` is an array of whole elements. `context` is used until release(context) is called: on any thread, before the
   * request is over, and also when this call fails. `release` may be NULL. */
  gust_status (*start_reduce)(gust_burst* burst, uint32_t root, gust_buffer* data, size_t element_size,
                              gust_combine combine, void* context, void (*release)(void* context), int64_t limit_us,
                              gust_request** request);
  gust_status (*start_gather)(gust_burst* burst, uint32_t root, gust_buffer* data, int64_t limit_us,
                              gust_request** request);
  gust_status (*start_scatter)(gust_burst* burst, uint32_t root, gust_buffer* const* data, int64_t limit_us,
                               gust_request** request);
  gust_status (*start_all_to_all)(gust_burst* burst, gust_buffer* const* data, int64_t limit_us,
                                  gust_request** request);

  /* 1 when request_wait would not block, 0 otherwise. Does not block. */
  int (*request_ready)(gust_burst* burst, gust_request* request);
  /* Waits until the call is over and gives what its blocking form gives: to `results`, which has as many entries as
   * there, and, of a receive, to `sender`. Either may be NULL. Once: another call is GUST_INVALID. GUST_TIMED_OUT when
   * limit_us is over first; the call goes on then (request_ready is 0), and may be waited for again. */
  gust_status (*request_wait)(gust_burst* burst, gust_request* request, gust_buffer** results, uint32_t* sender,
                              int64_t limit_us);
  /* NULL is allowed. */
  void (*request_release)(gust_burst* burst, gust_request* request);
} gust_api;

/* A worker's view of its flare: valid, and constant, while `work` runs. */
struct gust_burst {
  const gust_api* api;
  const char* burst_id; /* 32 hex digits, zero-terminated: the flare's id */
  uint32_t worker_id;   /* 0 .. burst_size - 1 */
  uint32_t burst_size;  /* workers of the flare */
  uint32_t pack_id;     /* 0 .. pack_count - 1 */
  uint32_t pack_size;   /* workers of this pack */
  uint32_t pack_count;  /* packs of the flare */
  uint32_t pack_leader; /* the lowest worker id of this pack */
  uint32_t invoker_id;  /* index of the invoker that hosts this pack */
  uint32_t reserved;    /* 0 */
};

/* Runs one worker. `params` is `size` bytes of JSON text, not zero-terminated, valid until `work` returns.
 * Returns 0 for success; anything else makes the worker's result the error given with set_error. */
typedef int (*gust_work_function)(gust_burst* burst, const char* params, size_t size);

typedef struct gust_worker_object {
  uint32_t abi_version; /* GUST_ABI_VERSION that the object was built with; anything else is refused */
  uint32_t size;        /* sizeof(gust_worker_object) */
  gust_work_function work;
} gust_worker_object;

/* To be defined by a worker object, as above. */
__attribute__((visibility("default"))) extern const gust_worker_object gust_worker;

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* GUST_GUST_H */
