// The functions of the C ABI with which workers talk to each other.
#include <utility>

#include "worker/calls.h"
#include "worker/context.h"

namespace gust::worker {

using message::Buffer;

gust_buffer* Context::buffer_new(std::size_t size) { return Buffer::make(size).release(); }

gust_buffer* Context::buffer_wrap(void* data, std::size_t size, void (*release)(void*), void* context) {
  return Buffer::wrap(static_cast<std::byte*>(data), size, release, context).release();
}

void* Context::buffer_data(const gust_buffer* buffer) { return buffer->data; }
std::size_t Context::buffer_size(const gust_buffer* buffer) { return buffer->size; }
void Context::buffer_retain(gust_buffer* buffer) { static_cast<void>(Buffer::share(buffer).release()); }
void Context::buffer_release(gust_buffer* buffer) { Buffer::adopt(buffer).reset(); }

const char* Context::failure(const gust_burst* /*burst*/) { return last_failure().c_str(); }

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
