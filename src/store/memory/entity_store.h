// Entities in memory: gone when the process ends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "store/store.h"

namespace gust::store {

template <class T>
class MemoryEntityStore final : public EntityStore<T> {
 public:
  using Ptr = std::shared_ptr<const T>;
  Result<Ptr> put(T entity, Overwrite overwrite) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<Ptr> get(std::string_view namespace_name, std::string_view path) const override
      GUST_EXCLUDES(mutex_);
  Result<Ptr> remove(std::string_view namespace_name, std::string_view path) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<Ptr> list(std::string_view namespace_name) const override GUST_EXCLUDES(mutex_);
  /// Puts one back as it was, with its version and time.
  void restore(T entity) GUST_EXCLUDES(mutex_);

 private:
  using ByPath = std::map<std::string, Ptr, std::less<>>;

  mutable Mutex mutex_;
  std::map<std::string, ByPath, std::less<>> namespaces_ GUST_GUARDED_BY(mutex_);
  WallTime last_update_ GUST_GUARDED_BY(mutex_);
};

extern template class MemoryEntityStore<Action>;
extern template class MemoryEntityStore<Package>;
extern template class MemoryEntityStore<Trigger>;
extern template class MemoryEntityStore<Rule>;
extern template class MemoryEntityStore<Key>;
extern template class MemoryEntityStore<Token>;

}  // namespace gust::store
