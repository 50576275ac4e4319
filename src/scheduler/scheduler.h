// Gang admission: which flare may start now, on which invokers. A state machine: no I/O, no clocks, no threads; it is
// told what happened and answers at once.
//
// A flare is reserved as a whole or not at all. One that does not fit now waits in a queue, first come, first served;
// one that can never fit is refused at once. Nothing passes the head of the queue, so no flare starves, and none holds
// a part of the cluster while it waits, so no two wait for each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "packing/packing.h"
#include "scheduler/ledger.h"

namespace gust::scheduler {

/// A flare that left the queue: all packs of the plan are reserved until they are released.
struct Start {
  FlareId flare;
  packing::Plan plan;
};

/// Where a flare stands in the queue and why it waits.
struct Place {
  std::size_t position = 0;  ///< 1 starts next
  std::string reason;        ///< at position 1 what is short and by how much, behind it how many are ahead
};

struct Waiting {
  FlareId flare;
  packing::Demand demand;
  Place place;
};

struct Refused {
  FlareId flare;
  Error error;
};

/// What the loss of an invoker means for flares.
struct Loss {
  std::vector<FlareId> broken;   ///< running ones that had unreleased packs there, in the order of their ids
  std::vector<Refused> refused;  ///< queued ones that what is left could never hold; they are out of the queue
};

/// A plan, reserved, or a place in the queue.
using Admission = std::variant<packing::Plan, Place>;

/// Thread rule: only on the controller's strand. Never blocks.
///
/// Whatever may let queued flares start (an invoker that joins or leaves, packs released, a flare cancelled) is
/// followed by one call of admit(); several such calls may share one.
class Scheduler {
 public:
  static constexpr std::size_t kDefaultQueueLimit = 10'000;

  explicit Scheduler(std::size_t queue_limit = kDefaultQueueLimit) : queue_limit_(queue_limit) {}

  /// `slots` and `memory` are what the invoker gives to packs in all; nothing of it is taken yet.
  /// Errors: kExists, kInvalid (no slots).
  Result<void> add_invoker(InvokerId invoker, std::uint32_t slots, Bytes memory);

  /// The invoker is gone, and all reservations on it; the other packs of its flares stay reserved until they are
  /// released. Nothing happens if it is not there.
  [[nodiscard]] Loss remove_invoker(InvokerId invoker);

  /// Reserves all packs of the flare if it fits and nobody waits; else it waits its turn.
  /// Errors: kInvalid, kUnavailable, kNeverFits as packing::plan; kBusy when the queue is full; kExists when this id is
  /// queued or running.
  [[nodiscard]] Result<Admission> submit(const FlareId& flare, const packing::Demand& demand);

  /// The flares from the head of the queue on that fit now, with their reserved plans, in the order of submission.
  /// Cheap when nothing was freed since the last call.
  [[nodiscard]] std::vector<Start> admit();

  /// All that the flare still has reserved is free. Nothing happens if it has nothing (any more).
  void release(const FlareId& flare);

  /// One pack of a running flare ended; `pack` is its index in the plan. The last one ends the flare here. Nothing
  /// happens for a pack that was released before or lost with its invoker. Aborts if the plan has no such pack.
  void release_pack(const FlareId& flare, PackId pack);

  /// Takes a flare out of the queue. False if it is not there: it may be running already.
  bool cancel(const FlareId& flare);

  /// Where a queued flare stands; nothing if it is not queued. Linear in its position.
  [[nodiscard]] std::optional<Place> place(const FlareId& flare) const;

  /// The queue from its head on, `limit` of it at most.
  [[nodiscard]] std::vector<Waiting> queue(std::size_t limit = SIZE_MAX) const;

  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  /// Flares that have something reserved.
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] const Totals& totals() const { return ledger_.totals(); }
  /// Free and total of each invoker, in no particular order; valid until the next call of add_ or remove_invoker.
  [[nodiscard]] std::span<const packing::Capacity> invokers() const { return ledger_.invokers(); }

 private:
  struct Request {
    FlareId flare;
    packing::Demand demand;
  };
  struct Hold {
    InvokerId invoker;
    std::uint32_t slots = 0;  ///< 0 once it is released or lost
  };
  struct Reservation {
    Bytes memory_per_pack;
    std::vector<Hold> holds;  ///< by the index of the pack
    std::size_t open = 0;     ///< holds that are not released or lost
  };
  using Queue = std::list<Request>;

  void reserve(const Request& request, const packing::Plan& plan);
  void give_back(Reservation& reservation, Hold& hold);
  Queue::iterator unqueue(Queue::iterator request);
  [[nodiscard]] bool head_may_fit() const;
  [[nodiscard]] std::string why_waiting(const Request& request, std::size_t position) const;

  std::size_t queue_limit_;
  Ledger ledger_;
  Queue queue_;
  std::unordered_map<FlareId, Queue::iterator> queued_;
  std::unordered_map<FlareId, Reservation> running_;
  bool head_refused_ = false;  ///< the head was tried and did not fit, and nothing was freed since
};

}  // namespace gust::scheduler
