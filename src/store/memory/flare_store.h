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

struct MemoryFlareStoreOptions {
  Bytes byte_limit = Bytes::mb(512);  ///< of records, results and logs, approximately
  std::size_t flare_limit = 100'000;
};

class MemoryFlareStore final : public FlareStore {
 public:
  explicit MemoryFlareStore(MemoryFlareStoreOptions options = {}) : options_(options) {}

  /// A flare larger than the byte limit is kept until the next one comes: its client must be able to read it.
  void add(FlarePtr flare) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<FlarePtr> get(std::string_view namespace_name, const FlareId& id) const override
      GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<ActivationView> get_activation(std::string_view namespace_name,
                                                      const ActivationId& id) const override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<ActivationView> list_activations(const ActivationQuery& query) const override
      GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t count_activations(const ActivationQuery& query) const override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<FlarePtr> list(std::string_view namespace_name, std::size_t skip,
                                           std::size_t limit) const override GUST_EXCLUDES(mutex_);

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
  static Bytes approximate_size(const FlareRecord& flare);
  void remove_oldest(std::vector<FlarePtr>& removed) GUST_REQUIRES(mutex_);
  template <class Visit>
  void for_each_match(const ActivationQuery& query, Visit visit) const GUST_REQUIRES(mutex_);

  const MemoryFlareStoreOptions options_;
  mutable Mutex mutex_;
  std::map<std::string, Flares, std::less<>> namespaces_ GUST_GUARDED_BY(mutex_);
  std::unordered_map<IdBits, FlarePtr, IdHash> flares_ GUST_GUARDED_BY(mutex_);
  std::unordered_map<IdBits, Place, IdHash> activations_ GUST_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Arrival> arrivals_ GUST_GUARDED_BY(mutex_);
  std::uint64_t next_arrival_ GUST_GUARDED_BY(mutex_) = 0;
  Bytes size_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::store
