// Inside this module: what a running flare holds, and what a waiting one is promised.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "packing/packing.h"
#include "scheduler/ledger.h"
#include "scheduler/policy.h"
#include "scheduler/tenants.h"

namespace gust::scheduler {

struct Hold {
  InvokerId invoker;
  std::uint32_t slots = 0;  ///< 0 once it is released or lost
};

struct Reservation {
  Tenant* tenant = nullptr;
  Bytes memory_per_pack;
  Moment ends{0};           ///< by its time limit
  std::vector<Hold> holds;  ///< by the index of the pack
  std::size_t open = 0;     ///< holds that are not released or lost
};

/// The head's reservation: when it will fit at the latest, and what is left then for flares that still run.
struct Promise {
  static constexpr Moment kNever = Moment::max();

  Moment at = kNever;                    ///< kNever: not by the ends of those that run alone
  std::vector<packing::Capacity> spare;  ///< free beside the head at that time, by the ledger's index

  void take(const packing::Plan& plan, Bytes memory, const Ledger& ledger);
  /// A flare ended that was thought to run longer.
  void give(const Hold& hold, Bytes memory, const Ledger& ledger);
};

/// Requires that the demand does not fit now. `running` are in no order.
Promise promise(const packing::Demand& demand, std::vector<const Reservation*> running, const Ledger& ledger);

}  // namespace gust::scheduler
