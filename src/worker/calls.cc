#include "worker/calls.h"

namespace gust::worker {

using message::Buffer;

std::string& last_failure() {
  thread_local std::string text;
  return text;
}

gust_status to_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return GUST_INVALID;
    case ErrorCode::kTimedOut: return GUST_TIMED_OUT;
    case ErrorCode::kTooLarge: return GUST_NO_MEMORY;
    default: return GUST_LOST;
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

}  // namespace gust::worker
