// How much of everything, and for how long, of the transport over an object store.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace gust::transport::s3 {

/// A store that does not answer, or only with errors, is tried again for this long before the flare fails.
inline constexpr std::chrono::seconds kStorePatience{30};
/// What a pack that has ended may take of everybody's time to put what it has sent, and to remove what it has received.
inline constexpr std::chrono::seconds kEndPatience{10};
/// For the answer to the first request.
inline constexpr std::chrono::seconds kOpenPatience{5};

/// Requests under way at once, in each direction. One connection to a store far away carries some 50 MB/s.
inline constexpr std::size_t kMostThreads = 8;
/// Of a pack's memory, in each direction, for what is under way; two objects have to have room.
inline constexpr std::size_t kMostBytes = std::size_t{64} << 20;

constexpr std::size_t threads_for(std::size_t object_bytes) {
  return std::clamp<std::size_t>(kMostBytes / object_bytes, 2, kMostThreads);
}

/// How often a pack looks for what is new: at once after news and after it has sent something, then ever more rarely.
/// Every look is a request, which some stores count and charge for.
inline constexpr std::chrono::milliseconds kShortestPause{2};
inline constexpr std::chrono::milliseconds kLongestPause{100};

/// Objects that have been received are removed together: when there are this many (each look sees what has not been
/// removed yet), or in a pause.
inline constexpr std::size_t kRemovedAtOnce = 32;

}  // namespace gust::transport::s3
