#include "scheduler/ledger.h"

#include <fmt/format.h>

#include "base/check.h"

namespace gust::scheduler {

Result<void> Ledger::add(InvokerId invoker, std::uint32_t slots, Bytes memory) {
  if (slots == 0) {
    return fail(ErrorCode::kInvalid,
                fmt::format("invoker {} has 0 slots; give it at least 1 with --slots", invoker.value()));
  }
  if (!index_.emplace(invoker, invokers_.size()).second) {
    return fail(
        ErrorCode::kExists,
        fmt::format("invoker {} has joined already; an invoker joins once, with an id of its own", invoker.value()));
  }
  invokers_.push_back(
      {.invoker = invoker, .free_slots = slots, .free_memory = memory, .total_slots = slots, .total_memory = memory});
  hidden_.emplace_back();
  totals_.invokers += 1;
  totals_.slots_total += slots;
  totals_.slots_free += slots;
  totals_.memory_total += memory;
  totals_.memory_free += memory;
  return {};
}

bool Ledger::remove(InvokerId invoker) {
  const auto found = index_.find(invoker);
  if (found == index_.end()) return false;
  const auto at = found->second;
  const auto& gone = invokers_[at];
  totals_.invokers -= 1;
  totals_.slots_total -= gone.total_slots;
  totals_.slots_free -= gone.free_slots;
  totals_.memory_total -= gone.total_memory;
  totals_.memory_free -= gone.free_memory;
  totals_.cordoned -= hidden_[at].cordoned ? 1 : 0;

  index_.erase(found);
  if (at + 1 != invokers_.size()) {
    invokers_[at] = invokers_.back();
    hidden_[at] = hidden_.back();
    index_[invokers_[at].invoker] = at;
  }
  invokers_.pop_back();
  hidden_.pop_back();
  return true;
}

bool Ledger::cordon(InvokerId invoker) {
  const auto found = index_.find(invoker);
  if (found == index_.end()) return false;
  auto& hidden = hidden_[found->second];
  if (hidden.cordoned) return true;
  auto& capacity = invokers_[found->second];
  totals_.cordoned += 1;
  totals_.slots_free -= capacity.free_slots;
  totals_.memory_free -= capacity.free_memory;
  hidden = {.cordoned = true, .slots = capacity.free_slots, .memory = capacity.free_memory};
  capacity.free_slots = 0;
  capacity.free_memory = Bytes();
  return true;
}

bool Ledger::uncordon(InvokerId invoker) {
  const auto found = index_.find(invoker);
  if (found == index_.end()) return false;
  auto& hidden = hidden_[found->second];
  if (!hidden.cordoned) return true;
  auto& capacity = invokers_[found->second];
  totals_.cordoned -= 1;
  totals_.slots_free += hidden.slots;
  totals_.memory_free += hidden.memory;
  capacity.free_slots = hidden.slots;
  capacity.free_memory = hidden.memory;
  hidden = {};
  return true;
}

packing::Capacity Ledger::load(std::size_t index) const {
  auto capacity = invokers_[index];
  if (!hidden_[index].cordoned) return capacity;
  capacity.free_slots = hidden_[index].slots;
  capacity.free_memory = hidden_[index].memory;
  return capacity;
}

void Ledger::take(InvokerId invoker, std::uint32_t slots, Bytes memory) {
  auto& capacity = invokers_[index_of(invoker)];
  GUST_CHECK(slots <= capacity.free_slots && memory <= capacity.free_memory, "more is taken than is free");
  capacity.free_slots -= slots;
  capacity.free_memory -= memory;
  totals_.slots_free -= slots;
  totals_.memory_free -= memory;
}

bool Ledger::try_take(InvokerId invoker, std::uint32_t slots, Bytes memory) {
  const auto found = index_.find(invoker);
  if (found == index_.end()) return false;
  const auto& capacity = invokers_[found->second];
  if (slots > capacity.free_slots || memory > capacity.free_memory) return false;
  take(invoker, slots, memory);
  return true;
}

void Ledger::give(InvokerId invoker, std::uint32_t slots, Bytes memory) {
  const auto index = index_of(invoker);
  auto& capacity = invokers_[index];
  auto& hidden = hidden_[index];
  auto& free_slots = hidden.cordoned ? hidden.slots : capacity.free_slots;
  auto& free_memory = hidden.cordoned ? hidden.memory : capacity.free_memory;
  GUST_CHECK(slots <= capacity.total_slots - free_slots && memory <= capacity.total_memory - free_memory,
             "more is given back than was taken");
  free_slots += slots;
  free_memory += memory;
  if (hidden.cordoned) return;
  totals_.slots_free += slots;
  totals_.memory_free += memory;
}

std::size_t Ledger::index_of(InvokerId invoker) const {
  if (last_ >= invokers_.size() || invokers_[last_].invoker != invoker) {
    const auto found = index_.find(invoker);
    GUST_CHECK(found != index_.end(), "the invoker is in the ledger");
    last_ = found->second;
  }
  return last_;
}

}  // namespace gust::scheduler
