#include "store/memory/flare_store.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/check.h"

namespace gust::store {

void MemoryFlareStore::add(FlarePtr flare) {
  GUST_CHECK(flare && has_ended(flare->state), "only ended flares are stored");
  const Bytes size = approximate_size(*flare);
  std::vector<FlarePtr> removed;  // freed after the lock is gone
  const MutexLock lock(mutex_);
  const WallTime now = wall_now();
  while (!arrivals_.empty() && is_too_much(size, now)) removed.push_back(remove_oldest());
  const std::uint64_t arrival = next_arrival_++;
  const Key key{start_of(*flare), arrival};
  namespaces_[flare->namespace_name].emplace(key, flare);
  flares_.emplace(bits_of(flare->id.str()), flare);
  for (std::size_t i = 0; i < flare->activations.size(); ++i) {
    activations_.emplace(bits_of(flare->activations[i].id.str()), Place{flare, i});
  }
  arrivals_.emplace(arrival, Arrival{std::move(flare), key, size});
  size_ += size;
}

Result<FlarePtr> MemoryFlareStore::get(std::string_view namespace_name, const FlareId& id) const {
  const MutexLock lock(mutex_);
  const auto found = flares_.find(bits_of(id.str()));
  if (found == flares_.end() || found->second->namespace_name != namespace_name) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no flare {} in namespace {}", id.str(), namespace_name));
  }
  return found->second;
}

Result<ActivationView> MemoryFlareStore::get_activation(std::string_view namespace_name, const ActivationId& id) const {
  const MutexLock lock(mutex_);
  const auto found = activations_.find(bits_of(id.str()));
  if (found == activations_.end() || found->second.flare->namespace_name != namespace_name) {
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no ended activation {} in namespace {}", id.str(), namespace_name));
  }
  return ActivationView{found->second.flare, found->second.index};
}

std::vector<ActivationView> MemoryFlareStore::list_activations(const ActivationQuery& query) const {
  std::vector<ActivationView> views;
  std::size_t to_skip = query.skip;
  const MutexLock lock(mutex_);
  for_each_match(query, [&](const FlarePtr& flare) {
    const std::size_t count = flare->activations.size();
    if (to_skip >= count) {
      to_skip -= count;
      return true;
    }
    for (std::size_t i = std::exchange(to_skip, 0); i < count && views.size() < query.limit; ++i) {
      views.push_back({flare, i});
    }
    return views.size() < query.limit;
  });
  return views;
}

std::size_t MemoryFlareStore::count_activations(const ActivationQuery& query) const {
  std::size_t count = 0;
  const MutexLock lock(mutex_);
  for_each_match(query, [&](const FlarePtr& flare) {
    count += flare->activations.size();
    return true;
  });
  return count - std::min(count, query.skip);
}

std::vector<FlarePtr> MemoryFlareStore::list(std::string_view namespace_name, std::size_t skip,
                                             std::size_t limit) const {
  ActivationQuery query;
  query.namespace_name = namespace_name;
  std::vector<FlarePtr> flares = match(query, WithTriggers::kNo, skip + limit);
  flares.erase(flares.begin(), flares.begin() + static_cast<std::ptrdiff_t>(std::min(skip, flares.size())));
  return flares;
}

MemoryFlareStore::IdBits MemoryFlareStore::bits_of(std::string_view id) {
  // What is no id becomes zero, which no random id is.
  IdBits bits;
  if (!is_hex_id(id)) return bits;
  std::from_chars(id.data(), id.data() + 16, bits.high, 16);
  std::from_chars(id.data() + 16, id.data() + 32, bits.low, 16);
  return bits;
}

Bytes MemoryFlareStore::approximate_size(const FlareRecord& flare) {
  // The maps' nodes and the ids' own heap blocks, by their usual sizes.
  constexpr std::size_t kPerFlare = 512;
  constexpr std::size_t kPerActivation = 128;
  std::size_t size = sizeof(FlareRecord) + kPerFlare + flare.packs.size() * sizeof(PackRecord) +
                     flare.workers.size() * sizeof(WorkerRecord) +
                     flare.activations.size() * (sizeof(ActivationRecord) + kPerActivation);
  for (const WorkerRecord& worker : flare.workers) size += worker.result.size();
  for (const PackRecord& pack : flare.packs) {
    size += pack.message.size() + pack.invoker_name.size();
    for (const LogLine& line : pack.logs) size += sizeof(LogLine) + line.text.size();
  }
  return Bytes(size);
}

std::vector<FlarePtr> MemoryFlareStore::match(const ActivationQuery& query, WithTriggers triggers,
                                              std::size_t most) const {
  std::vector<FlarePtr> flares;
  const MutexLock lock(mutex_);
  for_each_match(query, [&](const FlarePtr& flare) {
    if (flares.size() == most) return false;
    if (triggers == WithTriggers::kYes || flare->invocation != Invocation::kTrigger) flares.push_back(flare);
    return true;
  });
  return flares;
}

FlarePtr MemoryFlareStore::take_oldest() {
  const MutexLock lock(mutex_);
  GUST_CHECK(!arrivals_.empty(), "there is a flare to take");
  return remove_oldest();
}

bool MemoryFlareStore::is_too_much(Bytes added, WallTime now) const {
  const auto age_limit = retention_.age_limit;
  return arrivals_.size() >= retention_.flare_limit || size_ + added > retention_.byte_limit ||
         (age_limit.count() != 0 && arrivals_.begin()->second.flare->stamps.ended < now - age_limit);
}

FlarePtr MemoryFlareStore::remove_oldest() {
  const auto oldest = arrivals_.begin();
  const FlareRecord& flare = *oldest->second.flare;
  for (const ActivationRecord& activation : flare.activations) activations_.erase(bits_of(activation.id.str()));
  flares_.erase(bits_of(flare.id.str()));
  const auto flares = namespaces_.find(flare.namespace_name);
  flares->second.erase(oldest->second.key);
  if (flares->second.empty()) namespaces_.erase(flares);
  size_ -= oldest->second.size;
  FlarePtr removed = std::move(oldest->second.flare);
  arrivals_.erase(oldest);
  return removed;
}

/// Newest first, until `visit` says false.
template <class Visit>
void MemoryFlareStore::for_each_match(const ActivationQuery& query, Visit visit) const {
  const auto found = namespaces_.find(query.namespace_name);
  if (found == namespaces_.end()) return;
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  const Flares& flares = found->second;
  const auto begin = query.since ? flares.lower_bound({*query.since, 0}) : flares.begin();
  auto it = query.upto ? flares.upper_bound({*query.upto, kLast}) : flares.end();
  if (query.since && query.upto && *query.since > *query.upto) return;
  while (it != begin) {
    --it;
    if (!query.action_path.empty() && it->second->action->path() != query.action_path) continue;
    if (!visit(it->second)) return;
  }
}

}  // namespace gust::store
