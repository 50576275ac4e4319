// The C++ SDK for Gust workers: everything that a worker needs.
//
// The problem: to run one function a thousand times at once, each time with parameters of its own, without writing a
// server, a main function or a line about processes. A worker is a source file with one function in it:
//
//   #include <gust/worker.h>
//
//   gust::Json work(const gust::Json& params, gust::Burst& burst) {
//     return {{"hello", params.value("name", "world")}, {"from", burst.worker_id()}};
//   }
//   GUST_WORKER(work)
//
// `gust build hello.cc` makes hello.so from it, `gust deploy hello hello.so` and `gust flare hello --workers 8` run it.
//
// The contract:
// - `work` is called once for each worker, each time on a thread of its own, with the worker's element of the list of
//   params. All workers of a pack run at the same time in one process, so global variables are shared between them and
//   need the same care as in any program with threads.
// - What it returns is the worker's result, any JSON value, null included; as text it may have up to 16 MiB. Strings
//   must be UTF-8.
// - An exception that leaves it is the worker's error, with what() as its text. Other workers are not disturbed.
// - A crash (a signal such as SIGSEGV, also by abort() or an uncaught exception on another thread) ends the pack, and
//   with it the burst; the report names the worker and the signal. So do exit() and
//   pthread_exit(): return instead.
// - Threads that `work` starts must end before it returns.
// - Standard output and error are the pack's log, line by line.
//
// This header is all inline over the C functions of <gust/gust.h>; nothing needs to be linked. It needs C++17.
#ifndef GUST_WORKER_H
#define GUST_WORKER_H

#include <cstddef>
#include <exception>
#include <gust/burst.h>
#include <gust/gust.h>
#include <gust/json.h>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

namespace gust::detail {

inline int fail(gust_burst* burst, std::string_view message) {
  burst->api->set_error(burst, message.data(), message.size());
  return 1;
}

template <class Work>
int run(Work work, gust_burst* burst, const char* params, std::size_t size) {
  static_assert(std::is_invocable_r_v<Json, Work, const Json&, Burst&>,
                "GUST_WORKER needs a function like: gust::Json work(const gust::Json& params, gust::Burst& burst)");
  try {
    Burst view(burst);
    const Json result = work(Json::parse(params, params + size), view);
    const std::string text = result.dump();
    burst->api->set_result(burst, text.data(), text.size());
    return 0;
  } catch (const std::bad_alloc&) {
    return fail(burst,
                "out of memory: the worker asked for more than its container may have; raise the action's "
                "memory limit, or put fewer workers in a pack");
  } catch (const std::exception& error) {
    return fail(burst, error.what());
  } catch (...) {
    return fail(burst, "the worker threw something that is not a std::exception");
  }
}

}  // namespace gust::detail

/// Makes `function` what the workers of this shared object run. Once for each shared object, at namespace scope.
#define GUST_WORKER(function)                                                                               \
  static int gust_worker_entry(gust_burst* burst, const char* params, std::size_t size) {                   \
    return ::gust::detail::run(function, burst, params, size);                                              \
  }                                                                                                         \
  extern "C" GUST_EXPORT const gust_worker_object gust_worker{GUST_ABI_VERSION, sizeof(gust_worker_object), \
                                                              gust_worker_entry};

#endif  // GUST_WORKER_H
