// Ended flares in memory: gone when the process ends, and bounded, the oldest going first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/mutex.h"
#include "store/store.h"

namespace gust::store {

enum class WithTriggers : std::uint8_t { kNo, kYes };

class MemoryFlareStore final : public FlareStore {
 public:
  explicit MemoryFlareStore(Retention retention = {}) : retention_(retention) {}

  /// A flare larger than the byte limit is kept until the next one comes: its client must be able to read it.
  void add(FlarePtr flare) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<FlarePtr> get_recent(std::string_view namespace_name, const FlareId& id) const override {
    return get(namespace_name, id);
  }
  [[nodiscard]] Result<ActivationView> get_recent_activation(std::string_view namespace_name,
                                                             const ActivationId& id) const override {
    return get_activation(namespace_name, id);
  }
  [[nodiscard]] Result<FlarePtr> get(std::string_view namespace_name, const FlareId& id) const override
      GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<ActivationView> get_activation(std::string_view namespace_name,
                                                      const ActivationId& id) const override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<ActivationView> list_activations(const ActivationQuery& query) const override
      GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t count_activations(const ActivationQuery& query) const override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<FlarePtr> list(std::string_view namespace_name, std::size_t skip,
                                           std::size_t limit) const override GUST_EXCLUDES(mutex_);

  // For a store that keeps its newest here.
  /// Those that match, newest first, `most` at most; `skip` and `limit` do not count.
  [[nodiscard]] std::vector<FlarePtr> match(const ActivationQuery& query, WithTriggers triggers, std::size_t most) const
      GUST_EXCLUDES(mutex_);
  /// Removes what was added first. There must be one.
  FlarePtr take_oldest() GUST_EXCLUDES(mutex_);
  static Bytes approximate_size(const FlareRecord& flare);

 private:
  /// Flares of one namespace by start; those of one microsecond by arrival.
  using Key = std::pair<WallTime, std::uint64_t>;
  using Flares = std::map<Key, FlarePtr>;
  /// The two halves of an id's 128 bits: a flare of 960 packs adds 960 of them while its client waits.
  struct IdBits {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const IdBits&) const = default;
  };
  struct IdHash {
    std::size_t operator()(const IdBits& id) const noexcept { return id.high ^ id.low; }  // ids are random already
  };
  struct Place {
    FlarePtr flare;
    std::size_t index = 0;
  };
  struct Arrival {
    FlarePtr flare;
    Key key;
    Bytes size;
  };

  static IdBits bits_of(std::string_view id);
  FlarePtr remove_oldest() GUST_REQUIRES(mutex_);
  [[nodiscard]] bool is_too_much(Bytes added, WallTime now) const GUST_REQUIRES(mutex_);
  template <class Visit>
  void for_each_match(const ActivationQuery& query, Visit visit) const GUST_REQUIRES(mutex_);

  const Retention retention_;
  mutable Mutex mutex_;
  std::map<std::string, Flares, std::less<>> namespaces_ GUST_GUARDED_BY(mutex_);
  std::unordered_map<IdBits, FlarePtr, IdHash> flares_ GUST_GUARDED_BY(mutex_);
  std::unordered_map<IdBits, Place, IdHash> activations_ GUST_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Arrival> arrivals_ GUST_GUARDED_BY(mutex_);
  std::uint64_t next_arrival_ GUST_GUARDED_BY(mutex_) = 0;
  Bytes size_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::store
