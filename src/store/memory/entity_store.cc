#include "store/memory/entity_store.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace gust::store {

namespace {

std::string next_version(const std::string& version) {
  const std::size_t dot = version.rfind('.');
  const std::size_t start = dot == std::string::npos ? 0 : dot + 1;
  std::uint64_t number = 0;
  std::from_chars(version.data() + start, version.data() + version.size(), number);
  return fmt::format("{}{}", version.substr(0, start), number + 1);
}

template <class T>
std::unexpected<Error> not_there(std::string_view namespace_name, std::string_view path) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no {} {} in namespace {}", T::kNoun, path, namespace_name));
}

}  // namespace

template <class T>
auto MemoryEntityStore<T>::put(T entity, Overwrite overwrite) -> Result<Ptr> {
  Ptr replaced;  // freed, with its code, after the lock is gone
  const MutexLock lock(mutex_);
  Ptr& slot = namespaces_[entity.namespace_name][entity.path()];
  if (slot) {
    if (overwrite == Overwrite::kNo) return fail(ErrorCode::kExists, "resource already exists");
    entity.version = next_version(slot->version);
  }
  // "Newest first" must hold for two updates in one microsecond, and when the wall clock is set back.
  last_update_ = std::max(wall_now(), last_update_ + std::chrono::microseconds(1));
  entity.updated = last_update_;
  replaced = std::exchange(slot, std::make_shared<const T>(std::move(entity)));
  return slot;
}

template <class T>
auto MemoryEntityStore<T>::get(std::string_view namespace_name, std::string_view path) const -> Result<Ptr> {
  const MutexLock lock(mutex_);
  if (const auto entities = namespaces_.find(namespace_name); entities != namespaces_.end()) {
    if (const auto found = entities->second.find(path); found != entities->second.end()) return found->second;
  }
  return not_there<T>(namespace_name, path);
}

template <class T>
auto MemoryEntityStore<T>::remove(std::string_view namespace_name, std::string_view path) -> Result<Ptr> {
  const MutexLock lock(mutex_);
  if (const auto entities = namespaces_.find(namespace_name); entities != namespaces_.end()) {
    if (const auto found = entities->second.find(path); found != entities->second.end()) {
      Ptr removed = std::move(found->second);
      entities->second.erase(found);
      return removed;
    }
  }
  return not_there<T>(namespace_name, path);
}

template <class T>
auto MemoryEntityStore<T>::list(std::string_view namespace_name) const -> std::vector<Ptr> {
  std::vector<Ptr> entities;
  {
    const MutexLock lock(mutex_);
    const auto found = namespaces_.find(namespace_name);
    if (found == namespaces_.end()) return entities;
    entities.reserve(found->second.size());
    for (const auto& [path, entity] : found->second) entities.push_back(entity);
  }
  std::ranges::sort(entities, std::ranges::greater(), [](const Ptr& entity) { return entity->updated; });
  return entities;
}

template <class T>
void MemoryEntityStore<T>::restore(T entity) {
  const MutexLock lock(mutex_);
  last_update_ = std::max(last_update_, entity.updated);
  Ptr& slot = namespaces_[entity.namespace_name][entity.path()];
  slot = std::make_shared<const T>(std::move(entity));
}

template class MemoryEntityStore<Action>;
template class MemoryEntityStore<Package>;
template class MemoryEntityStore<Trigger>;
template class MemoryEntityStore<Rule>;
template class MemoryEntityStore<Key>;
template class MemoryEntityStore<Token>;

}  // namespace gust::store
