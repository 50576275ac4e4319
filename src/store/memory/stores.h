// All stores in memory.
#pragma once

#include "store/memory/entity_store.h"
#include "store/memory/flare_store.h"

namespace gust::store {

/// Nothing in memory is safe from the process's end, and there is nothing to wait for.
class MemoryJournal final : public Journal {
 public:
  void when_written(std::move_only_function<void(Result<void>)> done) override { done({}); }
};

/// Open flares end with their controller.
class MemoryOpenFlares final : public OpenFlareStore {
 public:
  void keep(OpenFlare /*flare*/) override {}
  void drop(const FlareId& /*id*/) override {}
  [[nodiscard]] std::vector<OpenFlare> take_left() override { return {}; }
};

struct MemoryStores {
  explicit MemoryStores(Retention retention = {}) : flares(retention) {}

  MemoryEntityStore<Action> actions;
  MemoryEntityStore<Package> packages;
  MemoryEntityStore<Trigger> triggers;
  MemoryEntityStore<Rule> rules;
  MemoryEntityStore<Key> keys;
  MemoryEntityStore<Token> tokens;
  MemoryEntityStore<Drain> drains;
  MemoryFlareStore flares;
  MemoryOpenFlares open_flares;
  MemoryJournal journal;

  [[nodiscard]] Stores all() {
    return {actions, packages, triggers, rules, keys, tokens, drains, flares, open_flares, journal, {}};
  }
};

}  // namespace gust::store
