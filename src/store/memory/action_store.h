// Actions in memory: gone when the process ends.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "store/store.h"

namespace gust::store {

class MemoryActionStore final : public ActionStore {
 public:
  Result<ActionPtr> put(Action action, Overwrite overwrite) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] Result<ActionPtr> get(std::string_view namespace_name, std::string_view path) const override
      GUST_EXCLUDES(mutex_);
  Result<ActionPtr> remove(std::string_view namespace_name, std::string_view path) override GUST_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<ActionPtr> list(std::string_view namespace_name) const override GUST_EXCLUDES(mutex_);

 private:
  using ByPath = std::map<std::string, ActionPtr, std::less<>>;

  mutable Mutex mutex_;
  std::map<std::string, ByPath, std::less<>> namespaces_ GUST_GUARDED_BY(mutex_);
  WallTime last_update_ GUST_GUARDED_BY(mutex_);
};

}  // namespace gust::store
