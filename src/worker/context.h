// The platform's side of the C ABI (gust/gust.h): what user code sees of its burst, and what it hands back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <gust/gust.h>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "message/courier.h"

namespace gust::worker {

/// What all workers of a pack have in common. Constant while they run.
struct PackIdentity {
  std::string burst_id;
  std::uint32_t burst_size = 0;
  std::uint32_t pack_id = 0;
  std::uint32_t invoker_id = 0;
  WorkerRange workers;                           ///< of this pack
  std::vector<std::uint32_t> pack_first_worker;  ///< of every pack of the burst, ascending from 0
};

/// What a worker hands back: JSON text, or the text of its error.
struct Outcome {
  bool ok = false;
  std::string text;
};

struct Exchange;

/// One worker's context. Its address is what user code gets, so it stays where it was made.
///
/// The functions of the C ABI may be called from any thread that the worker has; finish() only when `work` has
/// returned.
class Context : private gust_burst {
 public:
  /// `pack` and `exchange` must outlive the context. A result of more than `max_result_bytes` makes the worker fail.
  Context(const PackIdentity& pack, Exchange& exchange, WorkerId worker, std::size_t max_result_bytes);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] gust_burst* abi() { return this; }
  [[nodiscard]] WorkerId worker() const { return WorkerId(worker_id); }

  /// What became of the worker, given what `work` returned. Moves the text out: to be called once.
  Outcome finish(int returned);

  /// Ends what the worker has started and not waited for: returns when it is over, which is at once when the worker has
  /// failed (`failure` says how; empty otherwise): what waits for it must hear of that, and not wait in turn. After
  /// `work`, before others are told that the worker has ended.
  void settle(const std::string& failure);

  /// The function table that user code is given.
  static const gust_api& api_table();

 private:
  static void set_result(gust_burst* burst, const char* json, std::size_t size);
  static void set_error(gust_burst* burst, const char* message, std::size_t size);
  static std::uint32_t pack_of(const gust_burst* burst, std::uint32_t worker);

  // communication.cc
  static Context& of(gust_burst* burst) { return *static_cast<Context*>(burst); }
  static gust_buffer* buffer_new(std::size_t size);
  static gust_buffer* buffer_wrap(void* data, std::size_t size, void (*release)(void*), void* context);
  static void* buffer_data(const gust_buffer* buffer);
  static std::size_t buffer_size(const gust_buffer* buffer);
  static void buffer_retain(gust_buffer* buffer);
  static void buffer_release(gust_buffer* buffer);
  static const char* failure(const gust_burst* burst);
  static gust_status send(gust_burst* burst, std::uint32_t to, gust_buffer* data, std::int64_t limit_us);
  static gust_status recv(gust_burst* burst, std::uint32_t from, gust_buffer** data, std::uint32_t* sender,
                          std::int64_t limit_us);
  static gust_status barrier(gust_burst* burst, std::int64_t limit_us);
  static gust_status broadcast(gust_burst* burst, std::uint32_t root, gust_buffer* data, gust_buffer** result,
                               std::int64_t limit_us);
  static gust_status reduce(gust_burst* burst, std::uint32_t root, const void* data, std::size_t count,
                            std::size_t element_size, gust_combine combine, void* context, gust_buffer** result,
                            std::int64_t limit_us);
  static gust_status gather(gust_burst* burst, std::uint32_t root, gust_buffer* data, gust_buffer** results,
                            std::int64_t limit_us);
  static gust_status scatter(gust_burst* burst, std::uint32_t root, gust_buffer* const* data, gust_buffer** result,
                             std::int64_t limit_us);
  static gust_status all_to_all(gust_burst* burst, gust_buffer* const* data, gust_buffer** results,
                                std::int64_t limit_us);
  static void* shared(gust_burst* burst, const char* key, std::size_t key_size, std::size_t size);
  static void traffic(const gust_burst* burst, gust_traffic* traffic);

  // started_calls.cc
  message::Courier& helper();
  template <class Begin>
  static gust_status start(gust_burst* burst, std::int64_t limit_us, gust_request** request, Begin begin);
  static gust_status start_send(gust_burst* burst, std::uint32_t to, gust_buffer* data, gust_request** request);
  static gust_status start_recv(gust_burst* burst, std::uint32_t from, gust_request** request);
  static gust_status start_barrier(gust_burst* burst, std::int64_t limit_us, gust_request** request);
  static gust_status start_broadcast(gust_burst* burst, std::uint32_t root, gust_buffer* data, std::int64_t limit_us,
                                     gust_request** request);
  static gust_status start_reduce(gust_burst* burst, std::uint32_t root, gust_buffer* data, std::size_t element_size,
                                  gust_combine combine, void* context, void (*release)(void* context),
                                  std::int64_t limit_us, gust_request** request);
  static gust_status start_gather(gust_burst* burst, std::uint32_t root, gust_buffer* data, std::int64_t limit_us,
                                  gust_request** request);
  static gust_status start_scatter(gust_burst* burst, std::uint32_t root, gust_buffer* const* data,
                                   std::int64_t limit_us, gust_request** request);
  static gust_status start_all_to_all(gust_burst* burst, gust_buffer* const* data, std::int64_t limit_us,
                                      gust_request** request);
  static int request_ready(gust_burst* burst, gust_request* request);
  static gust_status request_wait(gust_burst* burst, gust_request* request, gust_buffer** results,
                                  std::uint32_t* sender, std::int64_t limit_us);
  static void request_release(gust_burst* burst, gust_request* request);

  const PackIdentity& pack_;
  Exchange& exchange_;
  const std::size_t max_result_bytes_;
  std::mutex mutex_;
  bool has_result_ = false;
  std::string result_;
  std::string error_;
  std::string refused_;                       ///< why the last result was not taken; empty when it was
  std::atomic<std::uint32_t> running_ = 0;    ///< started collectives that are not over
  std::unique_ptr<message::Courier> helper_;  ///< runs started collectives; made when first needed
};

}  // namespace gust::worker
