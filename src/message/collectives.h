// Operations in which all workers of a flare take part. docs/collectives.md gives each algorithm's steps and bytes.
//
// Inside a pack workers meet in memory: each leaves the address of what it brings, and takes the addresses of what it
// gets. Between packs travels one message for each pair of packs concerned, sent and received by one worker of each.
// Reductions combine in the order of worker ids, from the left, so their result does not depend on the packing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "message/buffer.h"
#include "message/hub.h"

namespace gust::message {

enum class CollectiveKind : std::uint8_t { kBarrier, kBroadcast, kReduce, kGather, kScatter, kAllToAll };

/// How elements are combined.
struct Reduction {
  std::size_t element_bytes = 0;
  /// into[i] = into[i] op from[i], for `count` elements; `into` stems from lower worker ids. May be called on any
  /// worker's thread.
  void (*combine)(void* context, void* into, const void* from, std::size_t count) = nullptr;
  void* context = nullptr;
};

/// Payload between packs travels in messages of at most this size where that lets its steps overlap.
inline constexpr std::size_t kSegmentBytes = std::size_t{1} << 20;

/// Each worker calls the same operations in the same order, one at a time; the calls of one operation may be far apart
/// in time. Thread-safe. Without a `root` every worker gets the result. An operation that fails for one worker fails
/// for all that are still in it, and so do all later ones. Errors: as of Hub; kInvalid when workers call different
/// operations, or with sizes that do not fit together.
class Collectives {
 public:
  explicit Collectives(Hub& hub);
  ~Collectives();
  Collectives(const Collectives&) = delete;
  Collectives& operator=(const Collectives&) = delete;

  /// An operation that a worker has entered: it counts as called from now on, and the worker may enter others.
  template <class Value>
  struct Begun {
    /// The rest of it, which blocks; to be called exactly once, on any thread. Those of one worker may run at the same
    /// time; one after the other, they run in the order in which the worker has entered.
    std::function<Result<Value>(SteadyTime deadline)> finish;
    /// Whom it waits for now, in words.
    std::function<std::string()> waits_for;
  };

  /// Returns when all workers have called it.
  Result<void> barrier(WorkerId self, SteadyTime deadline);
  /// What `root` brings, in every worker; what others bring is not looked at.
  Result<Buffer> broadcast(WorkerId self, WorkerId root, Buffer data, SteadyTime deadline);
  /// All bring the same number of bytes, in place for the time of the call. Null for workers other than `root`.
  Result<Buffer> reduce(WorkerId self, std::optional<WorkerId> root, Piece data, const Reduction& reduction,
                        SteadyTime deadline);
  /// What every worker brings, by worker id; any sizes. Empty for workers other than `root`.
  Result<std::vector<Buffer>> gather(WorkerId self, std::optional<WorkerId> root, Buffer data, SteadyTime deadline);
  /// What `root` brings for this worker; `data` has one entry a worker there and is not looked at elsewhere.
  Result<Buffer> scatter(WorkerId self, WorkerId root, std::vector<Buffer> data, SteadyTime deadline);
  /// What every worker brings for this one, by worker id; `data` has one entry a worker.
  Result<std::vector<Buffer>> all_to_all(WorkerId self, std::vector<Buffer> data, SteadyTime deadline);

  // The same in two steps.
  Result<Begun<void>> begin_barrier(WorkerId self);
  Result<Begun<Buffer>> begin_broadcast(WorkerId self, WorkerId root, Buffer data);
  /// `data` stays in place until the operation is over.
  Result<Begun<Buffer>> begin_reduce(WorkerId self, std::optional<WorkerId> root, Piece data,
                                     const Reduction& reduction);
  Result<Begun<std::vector<Buffer>>> begin_gather(WorkerId self, std::optional<WorkerId> root, Buffer data);
  Result<Begun<Buffer>> begin_scatter(WorkerId self, WorkerId root, std::vector<Buffer> data);
  Result<Begun<std::vector<Buffer>>> begin_all_to_all(WorkerId self, std::vector<Buffer> data);

  /// In how many operations this worker has taken part.
  [[nodiscard]] std::uint32_t count(WorkerId self);

 private:
  struct Slot;
  struct Shape;
  using SlotPtr = std::shared_ptr<Slot>;

  Result<SlotPtr> enter(WorkerId self, const Shape& shape, std::vector<Buffer> data, Piece in_place);
  void leave(Slot& slot);
  enum class Driver : std::uint8_t { kFirst, kLast };
  bool is_driver(Slot& slot, Driver which) const;
  void publish(Slot& slot);
  template <class Condition>
  Result<void> wait(Slot& slot, SteadyTime deadline, Condition condition);
  template <class Value>
  Result<Value> close(Slot& slot, Result<Value> result);
  template <class Value, class Run>
  Begun<Value> begun(SlotPtr slot, Run run);
  void stop_driving(Slot& slot);
  void withdraw_memory(Slot& slot, const Error& error);
  std::string waits_for(Slot& slot) const;
  Error timed_out(Slot& slot) const;
  Result<PackMessage> take(Slot& slot, PackId from, std::uint64_t step, SteadyTime deadline);
  std::uint64_t tag(const Slot& slot, std::uint64_t step) const;
  std::uint32_t index(WorkerId worker) const { return worker.value() - hub_.layout().local().first.value(); }

  Result<void> run_barrier(Slot& slot, SteadyTime deadline);
  Result<Buffer> run_broadcast(Slot& slot, std::uint64_t first_step, PackId root, Buffer data, SteadyTime deadline);
  Result<Buffer> run_reduce(Slot& slot, const Reduction& reduction, SteadyTime deadline);
  Result<std::vector<Buffer>> run_gather(Slot& slot, SteadyTime deadline);
  Result<void> run_scatter(Slot& slot, const std::vector<Buffer>& data, SteadyTime deadline);
  Result<void> run_all_to_all(Slot& slot, SteadyTime deadline);
  Result<void> send_parts(Slot& slot, PackId to, const std::vector<Piece>& parts, SteadyTime deadline);
  Result<std::vector<Buffer>> take_parts(Slot& slot, PackId from, std::size_t count, SteadyTime deadline);

  Hub& hub_;
  Mutex mutex_;
  std::map<std::uint32_t, SlotPtr> slots_ GUST_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> counts_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::message
