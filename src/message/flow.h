// Back-pressure between packs: how much a pack may have on its way to another without its having been received.
//
// Every pair of packs has a budget. A message that would exceed it waits until the receiving pack tells that enough has
// been taken (credit), or that somebody waits for just this message (interest): so a slow receiver holds back its
// senders and nobody else, and what is waited for always gets through.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <tuple>

#include "base/ids.h"
#include "base/mutex.h"
#include "message/signal.h"
#include "message/transport.h"

namespace gust::message {

inline constexpr std::uint32_t kAny = UINT32_MAX;

/// Who sends to whom, as in a FrameHeader; `from` is kAny where any sender of the pack is meant.
struct Way {
  FrameKind kind{};
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  auto operator<=>(const Way&) const = default;
};

/// Thread-safe.
class Flow {
 public:
  explicit Flow(std::size_t budget) : budget_(budget) {}

  /// Counts a message of `bytes` on its way to `pack`, if it may go now.
  bool try_begin(PackId pack, const Way& way, std::size_t bytes);
  void credit(PackId pack, std::size_t bytes);
  /// Somebody of `pack` waits for a message that comes each of these ways: the next one may pass.
  void interest(PackId pack, std::span<const Way> ways);

  /// Bytes of `pack` have been taken here: how much credit to send it now, 0 for none yet.
  std::size_t taken(PackId pack, std::size_t bytes);

  /// News for those who wait for try_begin().
  Signal changed;

 private:
  const std::size_t budget_;
  Mutex mutex_;
  std::map<PackId, std::size_t> outstanding_ GUST_GUARDED_BY(mutex_);
  std::map<PackId, std::size_t> to_credit_ GUST_GUARDED_BY(mutex_);
  std::set<std::pair<PackId, Way>> wanted_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::message
