// Ended flares: the newest in memory, all of them in the database.
//
// A flare gets the next sequence when it is added. The newest, from `recent_first_` on, are in memory, among them all
// that are not written yet; the database has those before. What retention lets go is below `floor_`: gone for readers
// at once, and from the database with the next group.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/mutex.h"
#include "store/memory/flare_store.h"
#include "store/sqlite/writer.h"
#include "store/store.h"

namespace gust::store {

struct SqliteFlareStoreOptions {
  Retention retention;
  Bytes recent_limit = Bytes::mb(128);  ///< of what is read from memory
  /// Of what waits for a disk that cannot be written; beyond it the oldest are given up.
  Bytes unwritten_limit = Bytes::mb(512);
};

class SqliteFlareStore final : public FlareStore, public WriteSource {
 public:
  /// `reader` is a connection of its own.
  SqliteFlareStore(Writer& writer, Database reader, SqliteFlareStoreOptions options)
      : writer_(writer), options_(options), reader_(std::move(reader)) {}

  /// Learns what the database has. Before the writer starts; blocks.
  Result<void> load() GUST_EXCLUDES(mutex_, reader_mutex_);

  void add(FlarePtr flare) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<FlarePtr> get_recent(std::string_view namespace_name, const FlareId& id) const override;
  [[nodiscard]] Result<ActivationView> get_recent_activation(std::string_view namespace_name,
                                                             const ActivationId& id) const override;
  [[nodiscard]] Result<FlarePtr> get(std::string_view namespace_name, const FlareId& id) const override
      GUST_EXCLUDES(mutex_, reader_mutex_);
  [[nodiscard]] Result<ActivationView> get_activation(std::string_view namespace_name,
                                                      const ActivationId& id) const override
      GUST_EXCLUDES(mutex_, reader_mutex_);
  [[nodiscard]] std::vector<ActivationView> list_activations(const ActivationQuery& query) const override
      GUST_EXCLUDES(mutex_, reader_mutex_);
  [[nodiscard]] std::size_t count_activations(const ActivationQuery& query) const override
      GUST_EXCLUDES(mutex_, reader_mutex_);
  [[nodiscard]] std::vector<FlarePtr> list(std::string_view namespace_name, std::size_t skip,
                                           std::size_t limit) const override GUST_EXCLUDES(mutex_, reader_mutex_);

  Result<void> write(Database& database) override GUST_EXCLUDES(mutex_);
  void written() override GUST_EXCLUDES(mutex_);

 private:
  struct Entry {
    std::uint64_t sequence = 0;
    Bytes size;
    WallTime ended;
  };
  /// What of the database belongs to a reader: sequences of [floor, end). Taken together with what is in memory.
  struct Range {
    std::uint64_t floor = 0;
    std::uint64_t end = 0;
  };
  struct Unwritten {
    FlarePtr flare;
    Bytes size;
  };
  using Load = std::function<FlarePtr()>;

  [[nodiscard]] Range in_database() const GUST_REQUIRES(mutex_) { return {floor_, recent_first_}; }
  // What these let go ends in `freed`, to be destroyed without the lock.
  void expire(WallTime now, std::vector<FlarePtr>& freed) GUST_REQUIRES(mutex_);
  void make_room(Bytes size, std::size_t flares, std::vector<FlarePtr>& freed) GUST_REQUIRES(mutex_);
  void drop_oldest(std::vector<FlarePtr>& freed) GUST_REQUIRES(mutex_);
  void drop_oldest_recent(std::vector<FlarePtr>& freed) GUST_REQUIRES(mutex_);
  void trim_recent(std::vector<FlarePtr>& freed) GUST_REQUIRES(mutex_);
  void forget_unwritten(std::uint64_t sequence) GUST_REQUIRES(mutex_);

  /// 0 when there is none for readers.
  [[nodiscard]] Result<std::uint64_t> find_sequence(const char* sql, std::string_view namespace_name,
                                                    std::string_view id) const GUST_EXCLUDES(mutex_)
      GUST_REQUIRES(reader_mutex_);
  [[nodiscard]] Result<FlarePtr> load_flare(std::uint64_t sequence) const GUST_REQUIRES(reader_mutex_);
  static void bind_match(Statement& select, const ActivationQuery& query, WithTriggers triggers, Range range);
  /// Those that match, newest first, until `visit` says false: it gets the number of activations, and what loads the
  /// flare, or gives null where that fails. `most` is how many it will look at in the end. `skip` and `limit` of the
  /// query do not count.
  void for_each_match(const ActivationQuery& query, WithTriggers triggers, std::size_t most,
                      const std::function<bool(std::size_t, const Load&)>& visit) const
      GUST_EXCLUDES(mutex_, reader_mutex_);

  Writer& writer_;
  const SqliteFlareStoreOptions options_;
  MemoryFlareStore recent_{Retention::unlimited()};

  mutable Mutex mutex_;
  std::uint64_t next_ GUST_GUARDED_BY(mutex_) = 1;
  std::uint64_t floor_ GUST_GUARDED_BY(mutex_) = 1;
  std::uint64_t recent_first_ GUST_GUARDED_BY(mutex_) = 1;
  std::deque<Entry> kept_ GUST_GUARDED_BY(mutex_);     ///< of [floor_, next_)
  std::deque<Entry> recents_ GUST_GUARDED_BY(mutex_);  ///< of [recent_first_, next_)
  Bytes kept_size_ GUST_GUARDED_BY(mutex_);
  Bytes recent_size_ GUST_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Unwritten> unwritten_ GUST_GUARDED_BY(mutex_);
  Bytes unwritten_size_ GUST_GUARDED_BY(mutex_);

  // Only on the writer's thread.
  std::vector<std::pair<std::uint64_t, FlarePtr>> writing_;
  std::uint64_t removed_below_ = 0;
  std::uint64_t removing_below_ = 0;

  mutable Mutex reader_mutex_;
  mutable Database reader_ GUST_GUARDED_BY(reader_mutex_);
};

}  // namespace gust::store
