// The rules of admission that an operator may set.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace gust::scheduler {

/// Time as the scheduler is told it: since any point that stays the same. It never goes back.
using Moment = std::chrono::microseconds;

/// A flare's rank among those of its namespace; higher goes first. 0 when nothing is said.
using Priority = std::int32_t;
constexpr Priority kLeastPriority = -10;
constexpr Priority kMostPriority = 10;

/// What one namespace gets.
struct Share {
  static constexpr std::uint64_t kNoQuota = std::numeric_limits<std::uint64_t>::max();

  std::uint32_t weight = 1;        ///< twice the weight may use twice as much; at least 1
  std::uint64_t quota = kNoQuota;  ///< slots that its flares may hold at once
  bool operator==(const Share&) const = default;
};

struct Policy {
  std::size_t queue_limit = 10'000;  ///< flares that wait; further ones are refused
  /// This much waiting, one step of priority, and half of the use of the cluster are worth the same.
  std::chrono::microseconds ageing = std::chrono::minutes(5);
  /// Use of the cluster counts half after this time.
  std::chrono::microseconds half_life = std::chrono::minutes(5);
  std::map<std::string, Share, std::less<>> shares = {};  ///< by namespace; others have Share{}
};

}  // namespace gust::scheduler
