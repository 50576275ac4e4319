// Flares that have not ended. One that ends before it was written costs the database nothing.
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "store/sqlite/writer.h"
#include "store/store.h"

namespace gust::store {

class SqliteOpenFlares final : public OpenFlareStore, public WriteSource {
 public:
  explicit SqliteOpenFlares(Writer& writer) : writer_(writer) {}

  /// Reads what was left. Before the writer starts; blocks.
  Result<void> load(Database& database) GUST_EXCLUDES(mutex_);

  void keep(OpenFlare flare) override GUST_EXCLUDES(mutex_);
  void drop(const FlareId& id) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<OpenFlare> take_left() override { return std::exchange(left_, {}); }

  Result<void> write(Database& database) override GUST_EXCLUDES(mutex_);
  void written() override GUST_EXCLUDES(mutex_);

 private:
  /// What is not written yet; null for one that is to be removed.
  using Changes = std::unordered_map<FlareId, std::shared_ptr<const OpenFlare>>;

  Writer& writer_;
  std::vector<OpenFlare> left_;
  Changes writing_;  // only on the writer's thread
  Mutex mutex_;
  Changes changes_ GUST_GUARDED_BY(mutex_);
  std::unordered_set<FlareId> rows_ GUST_GUARDED_BY(mutex_);  // that the database has, or is being given
};

}  // namespace gust::store
