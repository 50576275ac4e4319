#include "worker/context.h"

#include <algorithm>
#include <new>

#include "base/bytes.h"

namespace gust::worker {

namespace {

constexpr std::size_t kMaxErrorBytes = 64 << 10;

}  // namespace

Context::Context(const PackIdentity& pack, Exchange& exchange, WorkerId worker, std::size_t max_result_bytes)
    : gust_burst{.api = &api_table(),
                 .burst_id = pack.burst_id.c_str(),
                 .worker_id = worker.value(),
                 .burst_size = pack.burst_size,
                 .pack_id = pack.pack_id,
                 .pack_size = pack.workers.count,
                 .pack_count = static_cast<std::uint32_t>(pack.pack_first_worker.size()),
                 .pack_leader = pack.workers.first.value(),
                 .invoker_id = pack.invoker_id,
                 .reserved = 0},
      pack_(pack),
      exchange_(exchange),
      max_result_bytes_(max_result_bytes) {}

const gust_api& Context::api_table() {
  static constexpr gust_api kTable = {.abi_version = GUST_ABI_VERSION,
                                      .size = sizeof(gust_api),
                                      .set_result = &Context::set_result,
                                      .set_error = &Context::set_error,
                                      .pack_of = &Context::pack_of,
                                      .buffer_new = &Context::buffer_new,
                                      .buffer_wrap = &Context::buffer_wrap,
                                      .buffer_data = &Context::buffer_data,
                                      .buffer_size = &Context::buffer_size,
                                      .buffer_retain = &Context::buffer_retain,
                                      .buffer_release = &Context::buffer_release,
                                      .failure = &Context::failure,
                                      .send = &Context::send,
                                      .recv = &Context::recv,
                                      .barrier = &Context::barrier,
                                      .broadcast = &Context::broadcast,
                                      .reduce = &Context::reduce,
                                      .gather = &Context::gather,
                                      .scatter = &Context::scatter,
                                      .all_to_all = &Context::all_to_all,
                                      .shared = &Context::shared,
                                      .traffic = &Context::traffic,
                                      .start_send = &Context::start_send,
                                      .start_recv = &Context::start_recv,
                                      .start_barrier = &Context::start_barrier,
                                      .start_broadcast = &Context::start_broadcast,
                                      .start_reduce = &Context::start_reduce,
                                      .start_gather = &Context::start_gather,
                                      .start_scatter = &Context::start_scatter,
                                      .start_all_to_all = &Context::start_all_to_all,
                                      .request_ready = &Context::request_ready,
                                      .request_wait = &Context::request_wait,
                                      .request_release = &Context::request_release};
  return kTable;
}

Outcome Context::finish(int returned) {
  const std::lock_guard lock(mutex_);
  if (returned != 0) {
    if (error_.empty()) error_ = "the worker returned " + std::to_string(returned) + " and gave no message";
    return {.ok = false, .text = std::move(error_)};
  }
  if (!refused_.empty()) return {.ok = false, .text = std::move(refused_)};
  return {.ok = true, .text = has_result_ ? std::move(result_) : "null"};
}

// No exception may leave these: the caller may be C.

void Context::set_result(gust_burst* burst, const char* json, std::size_t size) {
  auto& self = *static_cast<Context*>(burst);
  const std::lock_guard lock(self.mutex_);
  try {
    self.refused_.clear();
    if (size > self.max_result_bytes_) {
      self.refused_ = "the worker's result of " + to_string(Bytes(size)) + " exceeds the limit of " +
                      to_string(Bytes(self.max_result_bytes_)) + "; write it to storage and return where it is";
      return;
    }
    self.result_.assign(json, size);
    self.has_result_ = true;
  } catch (const std::bad_alloc&) {
    self.refused_ = "out of memory";  // fits the space inside the string
  }
}

void Context::set_error(gust_burst* burst, const char* message, std::size_t size) {
  auto& self = *static_cast<Context*>(burst);
  const std::lock_guard lock(self.mutex_);
  try {
    self.error_.assign(message, std::min(size, kMaxErrorBytes));
  } catch (const std::bad_alloc&) {
    self.error_ = "out of memory";
  }
}

std::uint32_t Context::pack_of(const gust_burst* burst, std::uint32_t worker) {
  const auto& self = *static_cast<const Context*>(burst);
  if (worker >= self.burst_size) return UINT32_MAX;
  const auto& first = self.pack_.pack_first_worker;
  return static_cast<std::uint32_t>(std::ranges::upper_bound(first, worker) - first.begin() - 1);
}

}  // namespace gust::worker
