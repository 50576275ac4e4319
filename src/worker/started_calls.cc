// The functions of the C ABI that start calls, and those for what is started.
#include <memory>
#include <utility>

#include "worker/calls.h"
#include "worker/context.h"
#include "worker/request.h"

namespace gust::worker {

using message::Buffer;
using message::Collectives;

namespace {

Result<Given> given(Result<void> result) {
  GUST_TRY_VOID(std::move(result));
  return Given();
}

Result<Given> given(Result<Buffer> result) {
  Given all;
  all.buffers.push_back(GUST_TRY(std::move(result)));
  return all;
}

Result<Given> given(Result<std::vector<Buffer>> result) { return Given{.buffers = GUST_TRY(std::move(result))}; }

}  // namespace

message::Courier& Context::helper() {
  const std::lock_guard lock(mutex_);
  if (!helper_) {
    helper_ = std::make_unique<message::Courier>();
    if (exchange_.helper_begins) helper_->post([this] { exchange_.helper_begins(worker()); });
  }
  return *helper_;
}

void Context::settle(const std::string& failure) {
  if (!failure.empty()) {
    exchange_.hub.withdraw_sends(worker());
    if (running_ > 0) {
      exchange_.hub.fail_collectives(
          {ErrorCode::kUnavailable, "worker " + std::to_string(worker_id) + " has ended (it failed: " + failure +
                                        ") while a collective that it had started was under way"});
    }
  }
  std::unique_ptr<message::Courier> helper;
  {
    const std::lock_guard lock(mutex_);
    helper = std::move(helper_);
  }
  helper.reset();  // when it has run everything
  exchange_.hub.settle(worker());
}

// `begin` enters the operation, so that its place among the worker's operations is the call's.
template <class Begin>
gust_status Context::start(gust_burst* burst, std::int64_t limit_us, gust_request** request, Begin begin) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    message::Courier& helper = self.helper();  // without a thread nothing is entered
    auto started = std::make_shared<StartedCollective>();
    auto handle = std::make_unique<CollectiveRequest>(started);
    auto begun = GUST_TRY(begin(self));
    started->waits_for = std::move(begun.waits_for);
    const SteadyTime deadline = deadline_of(self.exchange_, limit_us);
    ++self.running_;
    helper.post([&self, started, finish = std::move(begun.finish), deadline]() mutable {
      Result<Given> result = given(finish(deadline));
      finish = nullptr;  // lets go of what the caller has lent, before the caller can know that it is over
      --self.running_;
      started->finish(std::move(result));
    });
    *request = handle.release();
    return {};
  });
}

gust_status Context::start_send(gust_burst* burst, std::uint32_t to, gust_buffer* data, gust_request** request) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    message::Hub& hub = self.exchange_.hub;
    auto send = GUST_TRY(hub.start_send(self.worker(), WorkerId(to), Buffer::share(data), self.exchange_.deadline));
    *request = new SendRequest(hub, std::move(send));
    return {};
  });
}

gust_status Context::start_recv(gust_burst* burst, std::uint32_t from, gust_request** request) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    message::Hub& hub = self.exchange_.hub;
    *request = new ReceiveRequest(hub, GUST_TRY(hub.start_recv(self.worker(), root_of(from))));
    return {};
  });
}

gust_status Context::start_barrier(gust_burst* burst, std::int64_t limit_us, gust_request** request) {
  return start(burst, limit_us, request,
               [](Context& self) { return self.exchange_.collectives.begin_barrier(self.worker()); });
}

gust_status Context::start_broadcast(gust_burst* burst, std::uint32_t root, gust_buffer* data, std::int64_t limit_us,
                                     gust_request** request) {
  return start(burst, limit_us, request, [&](Context& self) {
    return self.exchange_.collectives.begin_broadcast(self.worker(), WorkerId(root), Buffer::share(data));
  });
}

gust_status Context::start_reduce(gust_burst* burst, std::uint32_t root, gust_buffer* data, std::size_t element_size,
                                  gust_combine combine, void* context, void (*release)(void* context),
                                  std::int64_t limit_us, gust_request** request) {
  // Both live as long as the operation.
  std::shared_ptr<void> owner;
  const gust_status kept = guarded([&]() -> Result<void> {
    owner.reset(context, [release](void* object) {
      if (release != nullptr) release(object);
    });
    return {};
  });
  if (kept != GUST_OK) return kept;
  return start(burst, limit_us, request, [&](Context& self) -> Result<Collectives::Begun<Buffer>> {
    const Buffer mine = Buffer::share(data);
    auto begun = GUST_TRY(self.exchange_.collectives.begin_reduce(
        self.worker(), root_of(root), mine.bytes(),
        {.element_bytes = element_size, .combine = combine, .context = context}));
    begun.finish = [mine, owner, finish = std::move(begun.finish)](SteadyTime deadline) { return finish(deadline); };
    return begun;
  });
}

gust_status Context::start_gather(gust_burst* burst, std::uint32_t root, gust_buffer* data, std::int64_t limit_us,
                                  gust_request** request) {
  return start(burst, limit_us, request, [&](Context& self) {
    return self.exchange_.collectives.begin_gather(self.worker(), root_of(root), Buffer::share(data));
  });
}

gust_status Context::start_scatter(gust_burst* burst, std::uint32_t root, gust_buffer* const* data,
                                   std::int64_t limit_us, gust_request** request) {
  return start(burst, limit_us, request, [&](Context& self) {
    auto parts = self.worker_id == root ? share(data, self.burst_size) : std::vector<Buffer>();
    return self.exchange_.collectives.begin_scatter(self.worker(), WorkerId(root), std::move(parts));
  });
}

gust_status Context::start_all_to_all(gust_burst* burst, gust_buffer* const* data, std::int64_t limit_us,
                                      gust_request** request) {
  return start(burst, limit_us, request, [&](Context& self) {
    return self.exchange_.collectives.begin_all_to_all(self.worker(), share(data, self.burst_size));
  });
}

int Context::request_ready(gust_burst* /*burst*/, gust_request* request) { return request->ready() ? 1 : 0; }

gust_status Context::request_wait(gust_burst* burst, gust_request* request, gust_buffer** results,
                                  std::uint32_t* sender, std::int64_t limit_us) {
  Context& self = of(burst);
  return guarded([&]() -> Result<void> {
    Given all = GUST_TRY(request->wait(deadline_of(self.exchange_, limit_us)));
    if (results != nullptr) give(all.buffers, results);
    if (sender != nullptr) *sender = all.sender;
    return {};
  });
}

void Context::request_release(gust_burst* /*burst*/, gust_request* request) { delete request; }

}  // namespace gust::worker
