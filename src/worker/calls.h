// What the C ABI's functions for communication have in common. No exception may leave them: the caller may be C.
#pragma once

#include <exception>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "worker/exchange.h"

namespace gust::worker {

/// The sentence of the calling thread's last failure: any of a worker's threads may call.
std::string& last_failure();

gust_status to_status(ErrorCode code);

/// Runs a call and keeps its sentence.
template <class Call>
gust_status guarded(Call call) noexcept {
  try {
    const Result<void> result = call();
    if (result) return GUST_OK;
    last_failure() = result.error().message;
    return to_status(result.error().code);
  } catch (const std::bad_alloc&) {
    last_failure() = "out of memory";  // fits the space inside the string
    return GUST_NO_MEMORY;
  } catch (const std::exception& error) {
    last_failure() = error.what();
    return GUST_LOST;
  }
}

/// When a call with this limit, in microseconds, is to end: never later than the flare.
SteadyTime deadline_of(const Exchange& exchange, std::int64_t limit_us);

std::optional<WorkerId> root_of(std::uint32_t root);

/// References of our own to the caller's buffers.
std::vector<message::Buffer> share(gust_buffer* const* data, std::uint32_t count);

/// Hands references over.
void give(std::vector<message::Buffer>& from, gust_buffer** to);

}  // namespace gust::worker
