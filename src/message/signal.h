// How a worker waits for another's news: first looking (a hand-over between two running threads takes less than a
// microsecond), then sleeping in the kernel.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace gust::message {

/// A number that grows with every piece of news. Look at epoch(), then at the condition, then wait for the epoch to
/// change: no news is missed. Any number of threads may wait and notify.
class Signal {
 public:
  [[nodiscard]] std::uint32_t epoch() const { return word_.load(std::memory_order_seq_cst); }
  /// Returns when the epoch is no longer `seen`, at `deadline`, or without a reason.
  void wait(std::uint32_t seen, SteadyTime deadline);
  void notify();

 private:
  bool look(std::uint32_t seen) const;

  std::atomic<std::uint32_t> word_ = 0;
  std::atomic<std::uint32_t> sleepers_ = 0;
};

}  // namespace gust::message
