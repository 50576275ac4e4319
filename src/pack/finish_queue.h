// Workers that have finished and are still to be reported.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "protocol/pack_frames.h"

namespace gust::pack {

class FinishQueue {
 public:
  void add(protocol::WorkerFinish finish) { waiting_.push_back(std::move(finish)); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

  /// In the order in which they came, with about `max_bytes` of results at most, but one worker at the least.
  protocol::FinishedMessage take(std::size_t max_bytes) {
    protocol::FinishedMessage message;
    std::size_t bytes = 0;
    while (!waiting_.empty()) {
      const std::size_t size = waiting_.front().result.size();
      if (bytes > 0 && bytes + size > max_bytes) break;
      bytes += size + kOverhead;
      message.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    return message;
  }

 private:
  static constexpr std::size_t kOverhead = 64;  // what a worker takes beside its result

  std::deque<protocol::WorkerFinish> waiting_;
};

}  // namespace gust::pack
