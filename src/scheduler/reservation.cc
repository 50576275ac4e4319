#include "scheduler/reservation.h"

#include <algorithm>

namespace gust::scheduler {
namespace {

void add(packing::Capacity& capacity, std::uint32_t slots, Bytes memory) {
  capacity.free_slots += slots;
  capacity.free_memory += memory;
}

std::vector<packing::Capacity> after_the_first(std::size_t count, std::span<const Reservation* const> running,
                                               const Ledger& ledger) {
  std::vector<packing::Capacity> free(ledger.invokers().begin(), ledger.invokers().end());
  for (const auto* reservation : running.first(count)) {
    for (const auto& hold : reservation->holds) {
      if (hold.slots == 0) continue;
      const auto index = ledger.index_of(hold.invoker);
      if (!ledger.is_cordoned(index)) add(free[index], hold.slots, reservation->memory_per_pack);
    }
  }
  return free;
}

}  // namespace

void Promise::take(const packing::Plan& plan, Bytes memory, const Ledger& ledger) {
  if (spare.empty()) return;
  for (const auto& pack : plan) {
    auto& left = spare[ledger.index_of(pack.invoker)];
    left.free_slots -= pack.workers.count;
    left.free_memory -= memory;
  }
}

void Promise::give(const Hold& hold, Bytes memory, const Ledger& ledger) {
  if (spare.empty()) return;
  const auto index = ledger.index_of(hold.invoker);
  if (!ledger.is_cordoned(index)) add(spare[index], hold.slots, memory);
}

Promise promise(const packing::Demand& demand, std::vector<const Reservation*> running, const Ledger& ledger) {
  std::ranges::sort(running, {}, &Reservation::ends);
  // More free capacity never makes a plan impossible: the first end after which there is one is found by halving.
  std::size_t low = 0;
  std::size_t high = running.size() + 1;
  while (low + 1 < high) {
    const auto middle = low + (high - low) / 2;
    (packing::plan(demand, after_the_first(middle, running, ledger)) ? high : low) = middle;
  }
  if (high > running.size()) return {};

  const auto at = running[high - 1]->ends;
  while (high < running.size() && running[high]->ends <= at) ++high;  // all that end by then
  Promise result{.at = at, .spare = after_the_first(high, running, ledger)};
  const auto plan = packing::plan(demand, result.spare);
  result.take(*plan, demand.memory_per_pack, ledger);
  return result;
}

}  // namespace gust::scheduler
