// Where entities and ended flares are kept. A seam: all implementations pass store_conformance_test.cc. Thread-safe.
// No call waits for a disk, but those of FlareStore that read what may be on one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "store/records.h"

namespace gust::store {

enum class Overwrite : std::uint8_t { kNo, kYes };

/// Entities of one type, by namespace and path.
template <class T>
class EntityStore {
 public:
  using Ptr = std::shared_ptr<const T>;
  virtual ~EntityStore() = default;
  /// Adds or, with kYes, replaces; sets `updated` and the version (the replaced one's, its last part plus one).
  /// kExists with kNo when the name is taken.
  virtual Result<Ptr> put(T entity, Overwrite overwrite) = 0;
  /// `path` is "name" or, for actions, "package/name". kNotFound.
  [[nodiscard]] virtual Result<Ptr> get(std::string_view namespace_name, std::string_view path) const = 0;
  /// Gives what was removed. kNotFound.
  virtual Result<Ptr> remove(std::string_view namespace_name, std::string_view path) = 0;
  /// Newest first.
  [[nodiscard]] virtual std::vector<Ptr> list(std::string_view namespace_name) const = 0;
};
using ActionStore = EntityStore<Action>;
using PackageStore = EntityStore<Package>;
using TriggerStore = EntityStore<Trigger>;
using RuleStore = EntityStore<Rule>;
using KeyStore = EntityStore<Key>;
using TokenStore = EntityStore<Token>;
using DrainStore = EntityStore<Drain>;

/// One activation: its flare, and which of its activations.
struct ActivationView {
  FlarePtr flare;
  std::size_t index = 0;
  [[nodiscard]] const ActivationRecord& activation() const { return flare->activations.at(index); }
};

struct ActivationQuery {
  std::string namespace_name;
  std::string action_path;        ///< empty for all
  std::optional<WallTime> since;  ///< by the flare's start, inclusive
  std::optional<WallTime> upto;
  std::size_t skip = 0;
  std::size_t limit = 30;
};

/// How many ended flares are kept; those that ended first go first.
struct Retention {
  Bytes byte_limit = Bytes::mb(512);  ///< of records, results and logs, approximately
  std::size_t flare_limit = 100'000;
  std::chrono::milliseconds age_limit{0};  ///< since they ended; 0 for any age

  static Retention unlimited() {
    return {.byte_limit = Bytes(std::numeric_limits<std::uint64_t>::max()),
            .flare_limit = std::numeric_limits<std::size_t>::max()};
  }
};

/// Ended flares, as many as its Retention says. Only add() and get_recent…() never wait for a disk.
class FlareStore {
 public:
  virtual ~FlareStore() = default;
  virtual void add(FlarePtr flare) = 0;
  /// As get(), of what is in memory: the newest, always among them those whose end clients still wait for.
  [[nodiscard]] virtual Result<FlarePtr> get_recent(std::string_view namespace_name, const FlareId& id) const = 0;
  [[nodiscard]] virtual Result<ActivationView> get_recent_activation(std::string_view namespace_name,
                                                                     const ActivationId& id) const = 0;
  /// kNotFound, also for another namespace's.
  [[nodiscard]] virtual Result<FlarePtr> get(std::string_view namespace_name, const FlareId& id) const = 0;
  [[nodiscard]] virtual Result<ActivationView> get_activation(std::string_view namespace_name,
                                                              const ActivationId& id) const = 0;
  /// Newest first.
  [[nodiscard]] virtual std::vector<ActivationView> list_activations(const ActivationQuery& query) const = 0;
  [[nodiscard]] virtual std::size_t count_activations(const ActivationQuery& query) const = 0;
  /// Newest first; without fired triggers.
  [[nodiscard]] virtual std::vector<FlarePtr> list(std::string_view namespace_name, std::size_t skip,
                                                   std::size_t limit) const = 0;
};

/// A flare that has not ended, as far as a later controller has to know it to go on with it.
struct OpenFlare {
  static constexpr std::string_view kNoun = "open flare";
  FlarePtr flare;                   ///< without workers, and of its packs only who runs them
  std::vector<std::string> params;  ///< of its workers; empty when it will not start (again)
};

/// Flares that have not ended, so that they outlive their controller.
class OpenFlareStore {
 public:
  virtual ~OpenFlareStore() = default;
  /// Remembers a flare until drop(); in the place of what was remembered of it.
  virtual void keep(OpenFlare flare) = 0;
  /// It has ended: FlareStore::add() has been called with it, which is written first, or with it.
  virtual void drop(const FlareId& id) = 0;
  /// Those that the controller before this one has left, in the order in which they arrived. For one call.
  [[nodiscard]] virtual std::vector<OpenFlare> take_left() = 0;
};

/// Tells when what was stored is safe from the process's end.
class Journal {
 public:
  virtual ~Journal() = default;
  /// Calls `done` when all that was stored before this call is as safe as it will be, or with what is wrong with the
  /// disk: then it is in memory, and written when that can be done. From any thread, also at once; does not wait.
  virtual void when_written(std::move_only_function<void(Result<void>)> done) = 0;
};

/// All of a controller's stores.
struct Stores {
  ActionStore& actions;
  PackageStore& packages;
  TriggerStore& triggers;
  RuleStore& rules;
  KeyStore& keys;
  TokenStore& tokens;
  DrainStore& drains;
  FlareStore& flares;
  OpenFlareStore& open_flares;
  Journal& journal;
  std::string name;  ///< random; what is stored outlives the process under it. Empty: nothing does.
};

}  // namespace gust::store
