// All stores in memory.
#pragma once

#include "store/memory/entity_store.h"
#include "store/memory/flare_store.h"

namespace gust::store {

struct MemoryStores {
  explicit MemoryStores(MemoryFlareStoreOptions options = {}) : flares(options) {}

  MemoryEntityStore<Action> actions;
  MemoryEntityStore<Package> packages;
  MemoryEntityStore<Trigger> triggers;
  MemoryEntityStore<Rule> rules;
  MemoryFlareStore flares;

  [[nodiscard]] Stores all() { return {actions, packages, triggers, rules, flares}; }
};

}  // namespace gust::store
