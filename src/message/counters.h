// What a pack has sent. docs/collectives.md has the formulas that these equal.
#pragma once

#include <atomic>
#include <cstdint>

namespace gust::message {

/// Payload only: the frames' headers, and the packs' control messages, are not counted. Messages of collectives inside
/// a pack are none: its workers find each other's buffers by their addresses.
struct Traffic {
  std::uint64_t local_messages = 0;  ///< from worker to worker of this pack
  std::uint64_t local_bytes = 0;
  std::uint64_t remote_messages = 0;  ///< to other packs
  std::uint64_t remote_bytes = 0;
  bool operator==(const Traffic&) const = default;
};

class Counters {
 public:
  void local(std::size_t bytes) {
    local_messages_.fetch_add(1, std::memory_order_relaxed);
    local_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void remote(std::size_t bytes) {
    remote_messages_.fetch_add(1, std::memory_order_relaxed);
    remote_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  [[nodiscard]] Traffic read() const {
    return {local_messages_.load(), local_bytes_.load(), remote_messages_.load(), remote_bytes_.load()};
  }

 private:
  std::atomic<std::uint64_t> local_messages_ = 0;
  std::atomic<std::uint64_t> local_bytes_ = 0;
  std::atomic<std::uint64_t> remote_messages_ = 0;
  std::atomic<std::uint64_t> remote_bytes_ = 0;
};

}  // namespace gust::message
