// The books of the cluster: what each invoker has, and what of it is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "packing/packing.h"

namespace gust::scheduler {

/// Sums over all invokers.
struct Totals {
  std::size_t invokers = 0;
  std::uint64_t slots_total = 0;
  std::uint64_t slots_free = 0;
  Bytes memory_total;
  Bytes memory_free;
  std::size_t cordoned = 0;  ///< invokers that take nothing new; what is free there is not counted as free
  bool operator==(const Totals&) const = default;
};

/// Every operation takes constant time. Thread rule: one thread at a time; the owner's strand.
class Ledger {
 public:
  /// Errors: kExists (it is there already), kInvalid (no slots).
  Result<void> add(InvokerId invoker, std::uint32_t slots, Bytes memory);

  /// Takes the invoker out, with all that is taken of it. False if it is not there.
  bool remove(InvokerId invoker);

  /// From a cordon on nothing of the invoker is free, though what is taken can be given back. False if it is not there.
  bool cordon(InvokerId invoker);
  bool uncordon(InvokerId invoker);

  /// Aborts when the invoker is not there or has not that much left (take) or taken (give).
  void take(InvokerId invoker, std::uint32_t slots, Bytes memory);
  void give(InvokerId invoker, std::uint32_t slots, Bytes memory);

  /// take(), or false and nothing has changed.
  bool try_take(InvokerId invoker, std::uint32_t slots, Bytes memory);

  /// Where an invoker stands in invokers(); aborts when it is not there.
  [[nodiscard]] std::size_t index_of(InvokerId invoker) const;
  /// What is not taken of the invoker at this index, cordoned or not.
  [[nodiscard]] packing::Capacity load(std::size_t index) const;
  [[nodiscard]] bool is_cordoned(std::size_t index) const { return hidden_[index].cordoned; }

  /// Kept up to date in place, in no order that means anything; valid until the next call of add or remove.
  [[nodiscard]] std::span<const packing::Capacity> invokers() const { return invokers_; }
  [[nodiscard]] const Totals& totals() const { return totals_; }

 private:
  struct Hidden {
    bool cordoned = false;
    std::uint32_t slots = 0;  ///< free, if it were not cordoned
    Bytes memory;
  };

  std::vector<packing::Capacity> invokers_;
  std::vector<Hidden> hidden_;                        // by the same index
  std::unordered_map<InvokerId, std::size_t> index_;  // into invokers_
  mutable std::size_t last_ = 0;                      // the packs of one invoker come side by side
  Totals totals_;
};

}  // namespace gust::scheduler
