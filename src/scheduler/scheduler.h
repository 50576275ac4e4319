// Gang admission: which flare may start now, on which invokers. A state machine: no I/O, no clocks, no threads; it is
// told what happened and when, and answers at once.
//
// A flare is reserved as a whole or not at all. One that does not fit now waits in a queue that is ordered by priority,
// by what its namespace uses, and by how long it has waited (queue.h); one that can never fit is refused at once.
//
// The head of the queue holds a reservation: the time at which it fits if what runs ends by its time limits. Others may
// pass it if they end before that, or if the head fits beside them still. So the head never starts later than it was
// promised, and small flares use what it leaves idle. This is EASY backfill (D. Lifka, "The ANL/IBM SP Scheduling
// System", JSSPP 1995), by flares' time limits instead of estimates: they are kept, so the promise is too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "packing/packing.h"
#include "scheduler/ledger.h"
#include "scheduler/policy.h"
#include "scheduler/queue.h"
#include "scheduler/reservation.h"
#include "scheduler/tenants.h"

namespace gust::scheduler {

/// A flare that left the queue: all packs of the plan are reserved until they are released.
struct Start {
  FlareId flare;
  packing::Plan plan;
};

/// Where a flare stands in the queue and why it waits.
struct Place {
  std::size_t position = 0;  ///< 1 is the head
  std::string reason;        ///< what is short and by how much, or how many are ahead
  /// The head's reservation: it starts by then, unless an invoker leaves or one with more right comes. Absent for
  /// others, and where the ends of what runs are not enough.
  std::optional<Moment> starts_by;
};

struct Waiting {
  Job job;
  Moment submitted{0};
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

/// A plan, reserved; nothing for a flare that waits.
using Admission = std::optional<packing::Plan>;

/// Thread rule: only on the controller's strand. Never blocks.
///
/// Whatever may let queued flares start (an invoker that joins, leaves or is uncordoned, packs released, a flare
/// cancelled, one that was submitted while others wait) is followed by one call of admit(); several such calls may
/// share one. `now` never goes back.
class Scheduler {
 public:
  explicit Scheduler(Policy policy = {});

  /// `slots` and `memory` are what the invoker gives to packs in all; nothing of it is taken yet.
  /// Errors: kExists, kInvalid (no slots).
  Result<void> add_invoker(InvokerId invoker, std::uint32_t slots, Bytes memory);

  /// The invoker is gone, and all reservations on it; the other packs of its flares stay reserved until they are
  /// released. Nothing happens if it is not there.
  [[nodiscard]] Loss remove_invoker(InvokerId invoker, Moment now);

  /// From now on the invoker gets no packs; those that it has go on. What fits only with it waits. False if it is not
  /// there.
  bool drain(InvokerId invoker);
  bool uncordon(InvokerId invoker);

  /// Reserves all packs of the flare if it fits and takes nothing from those ahead of it; else it waits its turn.
  /// Errors: kInvalid, kUnavailable, kNeverFits as packing::plan, kNeverFits also for more than its namespace's quota;
  /// kBusy when the queue is full; kExists when this id is queued or running.
  [[nodiscard]] Result<Admission> submit(Job job, Moment now);

  /// A flare that an earlier scheduler started and that still runs: what its plan has of packs is reserved, but for
  /// those that are `over`. It ends by its time limit, from now on. Errors: kExists when this id is queued or running;
  /// kUnavailable when an invoker is not there, or has not that much left. Then nothing has changed.
  Result<void> adopt(const Job& job, const packing::Plan& plan, std::span<const PackId> over, Moment now);

  /// The flares that may start now, with their reserved plans, in the order in which they were chosen.
  /// Cheap when nothing happened since the last call.
  [[nodiscard]] std::vector<Start> admit(Moment now);

  /// All that the flare still has reserved is free. Nothing happens if it has nothing (any more).
  void release(const FlareId& flare, Moment now);

  /// One pack of a running flare ended; `pack` is its index in the plan. The last one ends the flare here. Nothing
  /// happens for a pack that was released before or lost with its invoker. Aborts if the plan has no such pack.
  void release_pack(const FlareId& flare, PackId pack, Moment now);

  /// Takes a flare out of the queue. False if it is not there: it may be running already.
  bool cancel(const FlareId& flare);

  /// Where a queued flare stands; nothing if it is not queued. Linear in its position.
  [[nodiscard]] std::optional<Place> place(const FlareId& flare, Moment now) const;

  /// The queue from its head on, `limit` of it at most.
  [[nodiscard]] std::vector<Waiting> queue(Moment now, std::size_t limit = SIZE_MAX) const;

  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  /// Flares that have something reserved.
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] const Totals& totals() const { return ledger_.totals(); }
  /// Free and total of each invoker, in no particular order; nothing is free on a cordoned one. Valid until the next
  /// call of add_ or remove_invoker.
  [[nodiscard]] std::span<const packing::Capacity> invokers() const { return ledger_.invokers(); }
  /// What is not taken of the invoker at an index of invokers(), cordoned or not.
  [[nodiscard]] packing::Capacity load(std::size_t index) const { return ledger_.load(index); }
  [[nodiscard]] bool is_cordoned(std::size_t index) const { return ledger_.is_cordoned(index); }
  /// Slots that the namespace's flares hold.
  [[nodiscard]] std::uint64_t held(std::string_view namespace_name) { return tenants_.of(namespace_name).held; }

 private:
  /// What one look at the queue behind its head may still do.
  class Passing;

  Result<void> check(const Job& job, const Tenant& tenant) const;
  const Request* head(Queue::Walk& walk) const;
  std::optional<packing::Plan> try_now(const Request& request);
  const Promise& promise_to(const Request& head);
  std::optional<packing::Plan> try_passing(const Request& head, const Request& request, Passing& passing, Moment now);
  void pass_head(const Request& head, Queue::Walk& walk, Moment now, std::vector<Start>& starts);

  void reserve(const Job& job, Tenant& tenant, const packing::Plan& plan, Moment now);
  void give_back(Reservation& reservation, Hold& hold, Moment now);
  void unqueue(const Request& request);
  void freed();
  [[nodiscard]] bool may_fit(const packing::Demand& demand) const;
  [[nodiscard]] Promise compute_promise(const Request& head) const;
  [[nodiscard]] Place place_of(const Request& request, std::size_t position) const;

  std::size_t queue_limit_;
  Ledger ledger_;
  Tenants tenants_;
  Queue queue_;
  std::unordered_map<FlareId, Reservation> running_;
  std::uint64_t submitted_ = 0;

  struct PromiseTo {
    std::uint64_t number = 0;  ///< of the request
    Promise promise;
  };
  std::optional<PromiseTo> promise_;  ///< to the head that was last found waiting
  std::uint64_t refused_ = 0;         ///< number of the request that did not fit, with nothing freed since; or 0
  bool changed_ = false;              ///< something happened since the last admit()
  Moment looked_{0};                  ///< when the queue was last looked at
};

}  // namespace gust::scheduler
