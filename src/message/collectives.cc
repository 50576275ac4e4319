#include "message/collectives.h"

#include <string>
#include <utility>

#include "message/collective_slot.h"

namespace gust::message {

namespace {

const char* name(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::kBarrier: return "barrier";
    case CollectiveKind::kBroadcast: return "broadcast";
    case CollectiveKind::kReduce: return "reduce";
    case CollectiveKind::kGather: return "gather";
    case CollectiveKind::kScatter: return "scatter";
    case CollectiveKind::kAllToAll: return "all_to_all";
  }
  return "collective";
}

}  // namespace

Collectives::Collectives(Hub& hub) : hub_(hub), counts_(hub.layout().local().count) {
  hub_.on_collective_news([this] {
    const MutexLock lock(mutex_);
    for (auto& [number, slot] : slots_) slot->news.notify();
  });
}

Collectives::~Collectives() { hub_.on_collective_news(nullptr); }

std::uint32_t Collectives::count(WorkerId self) {
  const MutexLock lock(mutex_);
  return counts_[index(self)];
}

// Finds or makes the slot of this worker's next operation, and leaves there what it brings.
Result<Collectives::SlotPtr> Collectives::enter(WorkerId self, const Shape& shape, std::vector<Buffer> data,
                                                Piece in_place) {
  if (shape.root != kAny && shape.root >= hub_.layout().burst_size()) {
    return fail(ErrorCode::kInvalid, "there is no worker " + std::to_string(shape.root) +
                                         ": this burst has the workers 0 to " +
                                         std::to_string(hub_.layout().burst_size() - 1));
  }
  SlotPtr slot;
  {
    const MutexLock lock(mutex_);
    const std::uint32_t number = counts_[index(self)]++;
    SlotPtr& found = slots_[number];
    if (!found) found = std::make_shared<Slot>(number, shape, hub_.layout().local().count);
    slot = found;
  }
  if (const auto failure = hub_.collective_failure(slot->number)) {
    leave(*slot);
    return fail(failure->code, failure->message);
  }
  if (slot->shape != shape) {
    const bool same_kind = slot->shape.kind == shape.kind;
    const Error error{ErrorCode::kInvalid, "worker " + std::to_string(self.value()) + " called " + name(shape.kind) +
                                               " as its operation " + std::to_string(slot->number + 1) +
                                               " with all workers, and another worker called " +
                                               (same_kind ? "it with another root or size" : name(slot->shape.kind)) +
                                               "; all workers must call the same operations in the same order"};
    hub_.fail_collectives(error);
    leave(*slot);
    return fail(error.code, error.message);
  }
  {
    const MutexLock lock(slot->mutex);
    slot->brought[index(self)] = std::move(data);
    slot->in_place[index(self)] = in_place;
    slot->here[index(self)] = true;
    ++slot->arrived;
  }
  // Nobody waits for this: who completes it drives it. Waking all who wait, for each that comes, would be n² wake-ups.
  return slot;
}

void Collectives::leave(Slot& slot) {
  const std::uint32_t number = slot.number;
  {
    const MutexLock lock(slot.mutex);
    if (++slot.left < slot.here.size()) return;
  }
  const MutexLock lock(mutex_);
  slots_.erase(number);
}

std::string Collectives::waits_for(Slot& slot) const {
  constexpr std::size_t kNamed = 8;
  std::string named;
  std::size_t missing = 0;
  {
    const MutexLock lock(slot.mutex);
    for (std::size_t i = 0; i < slot.here.size(); ++i) {
      if (slot.here[i] || ++missing > kNamed) continue;
      named += (named.empty() ? "" : ", ") + std::to_string(hub_.layout().local().first.value() + i);
    }
  }
  if (missing > kNamed) named += " and " + std::to_string(missing - kNamed) + " more";
  std::string text = std::string("a ") + name(slot.shape.kind) + " waited for ";
  if (missing > 0) return text + (missing == 1 ? "worker " : "workers ") + named;
  const std::uint32_t pack = slot.awaited_pack.load(std::memory_order_relaxed);
  return text + (pack == kAny ? "other packs" : hub_.layout().name(PackId(pack)));
}

Error Collectives::timed_out(Slot& slot) const { return {ErrorCode::kTimedOut, "timed out: " + waits_for(slot)}; }

template <class Condition>
Result<void> Collectives::wait(Slot& slot, SteadyTime deadline, Condition condition) {
  while (true) {
    const std::uint32_t seen = slot.news.epoch();
    {
      const MutexLock lock(slot.mutex);
      if (condition()) return {};
    }
    if (const auto failure = hub_.collective_failure(slot.number)) return fail(failure->code, failure->message);
    if (std::chrono::steady_clock::now() >= deadline) return std::unexpected(timed_out(slot));
    slot.news.wait(seen, deadline);
  }
}

Result<PackMessage> Collectives::take(Slot& slot, PackId from, std::uint64_t step, SteadyTime deadline) {
  slot.awaited_pack.store(from.value(), std::memory_order_relaxed);
  auto message = hub_.take_from_pack(from, tag(slot, step), deadline);
  if (!message && message.error().code == ErrorCode::kTimedOut) return std::unexpected(timed_out(slot));
  return message;
}

template <class Value, class Run>
Collectives::Begun<Value> Collectives::begun(SlotPtr slot, Run run) {
  return {
      .finish = [this, slot, run = std::move(run)](SteadyTime deadline) { return close<Value>(*slot, run(deadline)); },
      .waits_for = [this, slot] { return waits_for(*slot); }};
}

template <class Value>
Result<Value> Collectives::close(Slot& slot, Result<Value> result) {
  if (!result) hub_.fail_collectives(result.error());
  leave(slot);
  return result;
}

std::uint64_t Collectives::tag(const Slot& slot, std::uint64_t step) const {
  return std::uint64_t{slot.number} << 32 | step;
}

Result<Collectives::Begun<void>> Collectives::begin_barrier(WorkerId self) {
  SlotPtr slot = GUST_TRY(enter(self, {.kind = CollectiveKind::kBarrier}, {}, {}));
  return begun<void>(slot, [this, slot](SteadyTime deadline) -> Result<void> {
    if (is_driver(*slot, Driver::kLast)) {
      GUST_TRY_VOID(run_barrier(*slot, deadline));
      publish(*slot);
      return {};
    }
    return wait(*slot, deadline, [&] { return slot->done; });
  });
}

Result<Collectives::Begun<Buffer>> Collectives::begin_broadcast(WorkerId self, WorkerId root, Buffer data) {
  SlotPtr slot = GUST_TRY(enter(self, {.kind = CollectiveKind::kBroadcast, .root = root.value()}, {}, {}));
  return begun<Buffer>(slot, [this, slot, self, root, data = std::move(data)](SteadyTime deadline) -> Result<Buffer> {
    const PackId root_pack = hub_.layout().pack_of(root);
    if (self == root) {
      slot->result = data;  // read by others after publish()
      publish(*slot);
      return run_broadcast(*slot, 0, root_pack, data, deadline);
    }
    if (root_pack != hub_.layout().self() && is_driver(*slot, Driver::kFirst)) {
      slot->result = GUST_TRY(run_broadcast(*slot, 0, root_pack, {}, deadline));
      publish(*slot);
      return slot->result;
    }
    GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
    return slot->result;
  });
}

Result<Collectives::Begun<Buffer>> Collectives::begin_reduce(WorkerId self, std::optional<WorkerId> root, Piece data,
                                                             const Reduction& reduction) {
  if (reduction.element_bytes == 0 || data.size() % reduction.element_bytes != 0 || reduction.combine == nullptr) {
    return fail(ErrorCode::kInvalid, "a reduction needs an operator, and data of whole elements");
  }
  SlotPtr slot = GUST_TRY(enter(self,
                                {.kind = CollectiveKind::kReduce,
                                 .root = root ? root->value() : kAny,
                                 .bytes = data.size(),
                                 .element_bytes = reduction.element_bytes},
                                {}, data));
  return begun<Buffer>(slot, [this, slot, self, root, reduction](SteadyTime deadline) -> Result<Buffer> {
    // Each lends its memory until the end, so all wait for it.
    const Result<void> over = [&]() -> Result<void> {
      if (is_driver(*slot, Driver::kLast)) {
        Result<Buffer> result = run_reduce(*slot, reduction, deadline);
        stop_driving(*slot);
        slot->result = GUST_TRY(std::move(result));
        publish(*slot);
      }
      return wait(*slot, deadline, [&] { return slot->done; });
    }();
    if (!over) {
      withdraw_memory(*slot, over.error());
      return std::unexpected(over.error());
    }
    return !root || *root == self ? slot->result : Buffer();
  });
}

Result<Collectives::Begun<std::vector<Buffer>>> Collectives::begin_gather(WorkerId self, std::optional<WorkerId> root,
                                                                          Buffer data) {
  std::vector<Buffer> brought;
  brought.push_back(std::move(data));
  SlotPtr slot = GUST_TRY(
      enter(self, {.kind = CollectiveKind::kGather, .root = root ? root->value() : kAny}, std::move(brought), {}));
  return begun<std::vector<Buffer>>(slot, [this, slot, self, root](SteadyTime deadline) -> Result<std::vector<Buffer>> {
    if (is_driver(*slot, Driver::kLast)) {
      slot->results = GUST_TRY(run_gather(*slot, deadline));
      publish(*slot);
    }
    if (root && *root != self) return std::vector<Buffer>();
    GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
    return slot->results;
  });
}

Result<Collectives::Begun<Buffer>> Collectives::begin_scatter(WorkerId self, WorkerId root, std::vector<Buffer> data) {
  if (self == root && data.size() != hub_.layout().burst_size()) {
    return fail(ErrorCode::kInvalid, "scatter was given " + std::to_string(data.size()) + " parts for " +
                                         std::to_string(hub_.layout().burst_size()) + " workers; give one for each");
  }
  if (self != root) data.clear();
  SlotPtr slot = GUST_TRY(enter(self, {.kind = CollectiveKind::kScatter, .root = root.value()}, {}, {}));
  return begun<Buffer>(slot, [this, slot, self, root, data = std::move(data)](SteadyTime deadline) -> Result<Buffer> {
    const WorkerRange local = hub_.layout().local();
    if (self == root) {
      slot->results.assign(data.begin() + local.first.value(), data.begin() + local.end());
      publish(*slot);
      GUST_TRY_VOID(run_scatter(*slot, data, deadline));
    } else if (!local.contains(root) && is_driver(*slot, Driver::kFirst)) {
      slot->results = GUST_TRY(take_parts(*slot, hub_.layout().pack_of(root), local.count, deadline));
      publish(*slot);
    }
    GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
    return slot->results[index(self)];
  });
}

Result<Collectives::Begun<std::vector<Buffer>>> Collectives::begin_all_to_all(WorkerId self, std::vector<Buffer> data) {
  const std::uint32_t workers = hub_.layout().burst_size();
  if (data.size() != workers) {
    return fail(ErrorCode::kInvalid, "all_to_all was given " + std::to_string(data.size()) + " parts for " +
                                         std::to_string(workers) + " workers; give one for each");
  }
  SlotPtr slot = GUST_TRY(enter(self, {.kind = CollectiveKind::kAllToAll}, std::move(data), {}));
  return begun<std::vector<Buffer>>(
      slot, [this, slot, self, workers](SteadyTime deadline) -> Result<std::vector<Buffer>> {
        if (is_driver(*slot, Driver::kLast)) {
          GUST_TRY_VOID(run_all_to_all(*slot, deadline));
          publish(*slot);
        }
        GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
        const WorkerRange local = hub_.layout().local();
        std::vector<Buffer> column(workers);
        for (std::uint32_t from = 0; from < workers; ++from) {
          column[from] = local.contains(WorkerId(from)) ? slot->brought[index(WorkerId(from))][self.value()]
                                                        : slot->columns[index(self)][from];
        }
        return column;
      });
}

Result<void> Collectives::barrier(WorkerId self, SteadyTime deadline) {
  return GUST_TRY(begin_barrier(self)).finish(deadline);
}
Result<Buffer> Collectives::broadcast(WorkerId self, WorkerId root, Buffer data, SteadyTime deadline) {
  return GUST_TRY(begin_broadcast(self, root, std::move(data))).finish(deadline);
}
Result<Buffer> Collectives::reduce(WorkerId self, std::optional<WorkerId> root, Piece data, const Reduction& reduction,
                                   SteadyTime deadline) {
  return GUST_TRY(begin_reduce(self, root, data, reduction)).finish(deadline);
}
Result<std::vector<Buffer>> Collectives::gather(WorkerId self, std::optional<WorkerId> root, Buffer data,
                                                SteadyTime deadline) {
  return GUST_TRY(begin_gather(self, root, std::move(data))).finish(deadline);
}
Result<Buffer> Collectives::scatter(WorkerId self, WorkerId root, std::vector<Buffer> data, SteadyTime deadline) {
  return GUST_TRY(begin_scatter(self, root, std::move(data))).finish(deadline);
}
Result<std::vector<Buffer>> Collectives::all_to_all(WorkerId self, std::vector<Buffer> data, SteadyTime deadline) {
  return GUST_TRY(begin_all_to_all(self, std::move(data))).finish(deadline);
}

// The last to arrive finds everybody's contribution there; the first can begin to receive at once.
bool Collectives::is_driver(Slot& slot, Driver which) const {
  const MutexLock lock(slot.mutex);
  if (slot.driven || slot.abandoned || (which == Driver::kLast && !slot.complete())) return false;
  slot.driven = true;
  slot.driving = true;
  return true;
}

// Of a reduction, whose driver reads the others' memory.
void Collectives::stop_driving(Slot& slot) {
  {
    const MutexLock lock(slot.mutex);
    slot.driving = false;
  }
  slot.news.notify();
}

// Before a worker's memory goes: nobody may be reading it, and nobody begin to.
void Collectives::withdraw_memory(Slot& slot, const Error& error) {
  hub_.fail_collectives(error);  // which ends what the driver waits for
  while (true) {
    const std::uint32_t seen = slot.news.epoch();
    {
      const MutexLock lock(slot.mutex);
      slot.abandoned = true;
      if (!slot.driving) return;
    }
    slot.news.wait(seen, SteadyTime::max());
  }
}

void Collectives::publish(Slot& slot) {
  {
    const MutexLock lock(slot.mutex);
    slot.done = true;
  }
  slot.news.notify();
}

}  // namespace gust::message
