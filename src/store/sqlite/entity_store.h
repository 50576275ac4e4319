// Entities in memory, all of them, and written to the database behind the caller's back.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/memory/entity_store.h"
#include "store/sqlite/writer.h"
#include "store/store.h"

namespace gust::store {

template <class T>
class SqliteEntityStore final : public EntityStore<T>, public WriteSource {
 public:
  using Ptr = std::shared_ptr<const T>;
  explicit SqliteEntityStore(Writer& writer) : writer_(writer) {}

  /// Fills it with what the database has. Before the writer starts; blocks.
  Result<void> load(Database& database);

  Result<Ptr> put(T entity, Overwrite overwrite) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<Ptr> get(std::string_view namespace_name, std::string_view path) const override {
    return memory_.get(namespace_name, path);
  }
  Result<Ptr> remove(std::string_view namespace_name, std::string_view path) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<Ptr> list(std::string_view namespace_name) const override {
    return memory_.list(namespace_name);
  }

  Result<void> write(Database& database) override GUST_EXCLUDES(mutex_);
  void written() override GUST_EXCLUDES(mutex_);

 private:
  /// By namespace and path: the newest value, null for one that was removed.
  using Changes = std::map<std::pair<std::string, std::string>, Ptr>;

  Writer& writer_;
  MemoryEntityStore<T> memory_;
  Changes writing_;  // only on the writer's thread
  Mutex mutex_;      // makes a change of memory and its note one
  Changes changes_ GUST_GUARDED_BY(mutex_);
};

extern template class SqliteEntityStore<Action>;
extern template class SqliteEntityStore<Package>;
extern template class SqliteEntityStore<Trigger>;
extern template class SqliteEntityStore<Rule>;
extern template class SqliteEntityStore<Key>;
extern template class SqliteEntityStore<Token>;
extern template class SqliteEntityStore<Drain>;

}  // namespace gust::store
