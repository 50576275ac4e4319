// The functions of the C ABI with which workers talk to each other. No exception may leave them: the caller may be C.
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "worker/context.h"
#include "worker/exchange.h"

namespace gust::worker {

namespace {

using message::Buffer;

// Of the calling thread: any of a worker's threads may call.
thread_local std::string last_failure;  // NOLINT(cert-err58-cpp): an empty string

gust_status to_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return GUST_INVALID;
    case ErrorCode::kTimedOut: return GUST_TIMED_OUT;
    case ErrorCode::kTooLarge: return GUST_NO_MEMORY;
    default: return GUST_LOST;
  }
}

// Runs a call and keeps its sentence.
template <class Call>
gust_status guarded(Call call) noexcept {
  try {
    const Result<void> result = call();
    if (result) return GUST_OK;
    last_failure = result.error().message;
    return to_status(result.error().code);
  } catch (const std::bad_alloc&) {
    last_failure = "out of memory";  // fits the space inside the string
    return GUST_NO_MEMORY;
  } catch (const std::exception& error) {
    last_failure = error.what();
    return GUST_LOST;
  }
}

SteadyTime deadline_of(const Exchange& exchange, std::int64_t limit_us) {
  if (limit_us < 0) return exchange.deadline;
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::microseconds limit(limit_us);
  return limit < exchange.deadline - now ? now + limit : exchange.deadline;
}

std::optional<WorkerId> root_of(std::uint32_t root) {
  return root == GUST_ALL ? std::nullopt : std::optional(WorkerId(root));
}

std::vector<Buffer> share(gust_buffer* const* data, std::uint32_t count) {
  std::vector<Buffer> buffers;
  buffers.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) buffers.push_back(Buffer::share(data[i]));
  return buffers;
}

void give(std::vector<Buffer>& from, gust_buffer** to) {
  for (Buffer& buffer : from) *to++ = buffer.release();
}

}  // namespace

gust_buffer* Context::buffer_new(std::size_t size) { return Buffer::make(size).release(); }

gust_buffer* Context::buffer_wrap(void* data, std::size_t size, void (*release)(void*), void* context) {
  return Buffer::wrap(static_cast<std::byte*>(data), size, release, context).release();
}

void* Context::buffer_data(const gust_buffer* buffer) { return buffer->data; }
std::size_t Context::buffer_size(const gust_buffer* buffer) { return buffer->size; }
void Context::buffer_retain(gust_buffer* buffer) { static_cast<void>(Buffer::share(buffer).release()); }
void Context::buffer_release(gust_buffer* buffer) { Buffer::adopt(buffer).reset(); }

const char* Context::failure(const gust_burst* /*burst*/) { return last_failure.c_str(); }

gust_status Context::send(gust_burst* burst, std::uint32_t to, gust_buffer* data, std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&] {
    return self.exchange_.hub.send(self.worker(), WorkerId(to), Buffer::share(data),
                                   deadline_of(self.exchange_, limit_us));
  });
}

gust_status Context::recv(gust_burst* burst, std::uint32_t from, gust_buffer** data, std::uint32_t* sender,
                          std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    message::Received received =
        GUST_TRY(self.exchange_.hub.recv(self.worker(), root_of(from), deadline_of(self.exchange_, limit_us)));
    *data = received.data.release();
    if (sender != nullptr) *sender = received.from.value();
    return {};
  });
}

gust_status Context::barrier(gust_burst* burst, std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded(
      [&] { return self.exchange_.collectives.barrier(self.worker(), deadline_of(self.exchange_, limit_us)); });
}

gust_status Context::broadcast(gust_burst* burst, std::uint32_t root, gust_buffer* data, gust_buffer** result,
                               std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    Buffer got = GUST_TRY(self.exchange_.collectives.broadcast(self.worker(), WorkerId(root), Buffer::share(data),
                                                               deadline_of(self.exchange_, limit_us)));
    *result = got.release();
    return {};
  });
}

gust_status Context::reduce(gust_burst* burst, std::uint32_t root, const void* data, std::size_t count,
                            std::size_t element_size, gust_combine combine, void* context, gust_buffer** result,
                            std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    Buffer got = GUST_TRY(self.exchange_.collectives.reduce(
        self.worker(), root_of(root), {static_cast<const std::byte*>(data), count * element_size},
        {.element_bytes = element_size, .combine = combine, .context = context},
        deadline_of(self.exchange_, limit_us)));
    *result = got.release();
    return {};
  });
}

gust_status Context::gather(gust_burst* burst, std::uint32_t root, gust_buffer* data, gust_buffer** results,
                            std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    auto got = GUST_TRY(self.exchange_.collectives.gather(self.worker(), root_of(root), Buffer::share(data),
                                                          deadline_of(self.exchange_, limit_us)));
    give(got, results);
    return {};
  });
}

gust_status Context::scatter(gust_burst* burst, std::uint32_t root, gust_buffer* const* data, gust_buffer** result,
                             std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    auto parts = self.worker_id == root ? share(data, self.burst_size) : std::vector<Buffer>();
    Buffer got = GUST_TRY(self.exchange_.collectives.scatter(self.worker(), WorkerId(root), std::move(parts),
                                                             deadline_of(self.exchange_, limit_us)));
    *result = got.release();
    return {};
  });
}

gust_status Context::all_to_all(gust_burst* burst, gust_buffer* const* data, gust_buffer** results,
                                std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    auto got = GUST_TRY(self.exchange_.collectives.all_to_all(self.worker(), share(data, self.burst_size),
                                                              deadline_of(self.exchange_, limit_us)));
    give(got, results);
    return {};
  });
}

void* Context::shared(gust_burst* burst, const char* key, std::size_t key_size, std::size_t size) {
  Context& self = of(burst);
  void* memory = nullptr;
  static_cast<void>(guarded([&]() -> Result<void> {
    memory = GUST_TRY(self.exchange_.shared.get({key, key_size}, size));
    return {};
  }));
  return memory;
}

void Context::traffic(const gust_burst* burst, gust_traffic* traffic) {
  const message::Traffic sent = static_cast<const Context*>(burst)->exchange_.hub.traffic();
  *traffic = {sent.local_messages, sent.local_bytes, sent.remote_messages, sent.remote_bytes};
}

}  // namespace gust::worker
