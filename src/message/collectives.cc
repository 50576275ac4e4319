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
  slot->news.notify();
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

template <class Condition>
Result<void> Collectives::wait(Slot& slot, SteadyTime deadline, Condition condition) {
  while (true) {
    const std::uint32_t seen = slot.news.epoch();
    std::string missing;
    {
      const MutexLock lock(slot.mutex);
      if (condition()) return {};
      for (std::size_t i = 0; i < slot.here.size(); ++i) {
        if (slot.here[i]) continue;
        missing += missing.empty() ? "" : ", ";
        missing += std::to_string(hub_.layout().local().first.value() + i);
      }
    }
    if (const auto failure = hub_.collective_failure(slot.number)) return fail(failure->code, failure->message);
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(
          ErrorCode::kTimedOut,
          std::string("timed out: a ") + name(slot.shape.kind) + " waited for " +
              (missing.empty() ? "other packs" : "worker" + std::string(missing.contains(',') ? "s " : " ") + missing));
    }
    slot.news.wait(seen, deadline);
  }
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

Result<void> Collectives::barrier(WorkerId self, SteadyTime deadline) {
  const SlotPtr slot = GUST_TRY(enter(self, {.kind = CollectiveKind::kBarrier}, {}, {}));
  return close<void>(*slot, [&]() -> Result<void> {
    if (is_driver(*slot, Driver::kLast)) {
      GUST_TRY_VOID(run_barrier(*slot, deadline));
      publish(*slot);
      return {};
    }
    return wait(*slot, deadline, [&] { return slot->done; });
  }());
}

Result<Buffer> Collectives::broadcast(WorkerId self, WorkerId root, Buffer data, SteadyTime deadline) {
  const bool is_root = self == root;
  std::vector<Buffer> brought;
  const SlotPtr slot =
      GUST_TRY(enter(self, {.kind = CollectiveKind::kBroadcast, .root = root.value()}, std::move(brought), {}));
  const PackId root_pack = hub_.layout().pack_of(root);
  return close<Buffer>(*slot, [&]() -> Result<Buffer> {
    if (is_root) {
      slot->result = data;  // read by others after publish()
      publish(*slot);
      return run_broadcast(*slot, 0, root_pack, std::move(data), deadline);
    }
    if (root_pack != hub_.layout().self() && is_driver(*slot, Driver::kFirst)) {
      slot->result = GUST_TRY(run_broadcast(*slot, 0, root_pack, {}, deadline));
      publish(*slot);
      return slot->result;
    }
    GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
    return slot->result;
  }());
}

Result<Buffer> Collectives::reduce(WorkerId self, std::optional<WorkerId> root, Piece data, const Reduction& reduction,
                                   SteadyTime deadline) {
  if (reduction.element_bytes == 0 || data.size() % reduction.element_bytes != 0 || reduction.combine == nullptr) {
    return fail(ErrorCode::kInvalid, "a reduction needs an operator, and data of whole elements");
  }
  const SlotPtr slot = GUST_TRY(enter(self,
                                      {.kind = CollectiveKind::kReduce,
                                       .root = root ? root->value() : kAny,
                                       .bytes = data.size(),
                                       .element_bytes = reduction.element_bytes},
                                      {}, data));
  return close<Buffer>(*slot, [&]() -> Result<Buffer> {
    // Each lends its memory until the end, so all wait for it.
    if (is_driver(*slot, Driver::kLast)) {
      slot->result = GUST_TRY(run_reduce(*slot, reduction, deadline));
      publish(*slot);
    }
    GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
    return !root || *root == self ? slot->result : Buffer();
  }());
}

Result<std::vector<Buffer>> Collectives::gather(WorkerId self, std::optional<WorkerId> root, Buffer data,
                                                SteadyTime deadline) {
  std::vector<Buffer> brought;
  brought.push_back(std::move(data));
  const SlotPtr slot = GUST_TRY(
      enter(self, {.kind = CollectiveKind::kGather, .root = root ? root->value() : kAny}, std::move(brought), {}));
  return close<std::vector<Buffer>>(*slot, [&]() -> Result<std::vector<Buffer>> {
    if (is_driver(*slot, Driver::kLast)) {
      slot->results = GUST_TRY(run_gather(*slot, deadline));
      publish(*slot);
    }
    if (root && *root != self) return std::vector<Buffer>();
    GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
    return slot->results;
  }());
}

Result<Buffer> Collectives::scatter(WorkerId self, WorkerId root, std::vector<Buffer> data, SteadyTime deadline) {
  const bool is_root = self == root;
  if (is_root && data.size() != hub_.layout().burst_size()) {
    return fail(ErrorCode::kInvalid, "scatter was given " + std::to_string(data.size()) + " parts for " +
                                         std::to_string(hub_.layout().burst_size()) + " workers; give one for each");
  }
  if (!is_root) data.clear();
  const SlotPtr slot = GUST_TRY(enter(self, {.kind = CollectiveKind::kScatter, .root = root.value()}, {}, {}));
  return close<Buffer>(*slot, [&]() -> Result<Buffer> {
    const WorkerRange local = hub_.layout().local();
    if (is_root) {
      slot->results.assign(data.begin() + local.first.value(), data.begin() + local.end());
      publish(*slot);
      GUST_TRY_VOID(run_scatter(*slot, data, deadline));
    } else if (!local.contains(root) && is_driver(*slot, Driver::kFirst)) {
      slot->results = GUST_TRY(take_parts(*slot, hub_.layout().pack_of(root), local.count, deadline));
      publish(*slot);
    }
    GUST_TRY_VOID(wait(*slot, deadline, [&] { return slot->done; }));
    return slot->results[index(self)];
  }());
}

Result<std::vector<Buffer>> Collectives::all_to_all(WorkerId self, std::vector<Buffer> data, SteadyTime deadline) {
  const std::uint32_t workers = hub_.layout().burst_size();
  if (data.size() != workers) {
    return fail(ErrorCode::kInvalid, "all_to_all was given " + std::to_string(data.size()) + " parts for " +
                                         std::to_string(workers) + " workers; give one for each");
  }
  const SlotPtr slot = GUST_TRY(enter(self, {.kind = CollectiveKind::kAllToAll}, std::move(data), {}));
  return close<std::vector<Buffer>>(*slot, [&]() -> Result<std::vector<Buffer>> {
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
  }());
}

// The last to arrive finds everybody's contribution there; the first can begin to receive at once.
bool Collectives::is_driver(Slot& slot, Driver which) const {
  const MutexLock lock(slot.mutex);
  if (slot.driven || (which == Driver::kLast && !slot.complete())) return false;
  slot.driven = true;
  return true;
}

void Collectives::publish(Slot& slot) {
  {
    const MutexLock lock(slot.mutex);
    slot.done = true;
  }
  slot.news.notify();
}

}  // namespace gust::message
