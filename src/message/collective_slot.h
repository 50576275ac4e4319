// Where the workers of a pack meet for one collective operation.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "message/collectives.h"
#include "message/signal.h"

namespace gust::message {

/// What all workers must agree on.
struct Collectives::Shape {
  CollectiveKind kind{};
  std::uint32_t root = kAny;
  std::uint64_t bytes = 0;          // of a reduction
  std::uint64_t element_bytes = 0;  // of a reduction
  bool operator==(const Shape&) const = default;
};

/// Fields are written with `mutex` held, or by the one worker that drives the operation; they are read after a wait()
/// for the condition that they are written before, which takes the lock.
struct Collectives::Slot {
  Slot(std::uint32_t slot_number, const Shape& slot_shape, std::uint32_t workers)
      : number(slot_number), shape(slot_shape), brought(workers), in_place(workers), here(workers) {}

  const std::uint32_t number;
  const Shape shape;
  Mutex mutex;
  Signal news;
  std::vector<std::vector<Buffer>> brought;  // by worker of this pack
  std::vector<Piece> in_place;               // the same, for reductions
  std::vector<bool> here;
  std::uint32_t arrived = 0;
  std::uint32_t left = 0;
  bool driven = false;                             // somebody does it for the pack
  bool driving = false;                            // and is not through with it
  bool abandoned = false;                          // memory that was lent is no longer there
  std::atomic<std::uint32_t> awaited_pack = kAny;  // whose message the driver waits for
  bool done = false;
  Buffer result;
  std::vector<Buffer> results;               // by worker: of the flare (gather), or of this pack (scatter)
  std::vector<std::vector<Buffer>> columns;  // by worker of this pack: from all workers of other packs (all-to-all)

  [[nodiscard]] bool complete() const { return arrived == here.size(); }
};

}  // namespace gust::message
