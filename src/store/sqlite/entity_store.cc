#include "store/sqlite/entity_store.h"

#include <spdlog/spdlog.h>
#include <type_traits>

#include "store/sqlite/code.h"
#include "store/sqlite/documents.h"

namespace gust::store {

namespace {

constexpr const char* kSelect = "SELECT document FROM entities WHERE type = ?1";
constexpr const char* kPut =
    "INSERT OR REPLACE INTO entities(type, namespace, path, code_digest, document) VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr const char* kRemove = "DELETE FROM entities WHERE type = ?1 AND namespace = ?2 AND path = ?3";

template <class T>
std::string_view digest_of(const T& entity) {
  if constexpr (std::is_same_v<T, Action>) return entity.code_digest;
  return {};
}

}  // namespace

template <class T>
Result<void> SqliteEntityStore<T>::load(Database& database) {
  Codes codes;
  Statement* select = GUST_TRY(database.prepare(kSelect));
  select->bind(T::kNoun);
  while (GUST_TRY(select->step())) {
    T entity = GUST_TRY(from_document<T>(select->bytes(0)));
    if constexpr (std::is_same_v<T, Action>) {
      GUST_TRY_VOID(load_code(database, entity, codes));
    }
    memory_.restore(std::move(entity));
  }
  return {};
}

template <class T>
auto SqliteEntityStore<T>::put(T entity, Overwrite overwrite) -> Result<Ptr> {
  Ptr stored;
  {
    const MutexLock lock(mutex_);
    stored = GUST_TRY(memory_.put(std::move(entity), overwrite));
    changes_[{stored->namespace_name, stored->path()}] = stored;
  }
  writer_.wake(Urgency::kNow);
  return stored;
}

template <class T>
auto SqliteEntityStore<T>::remove(std::string_view namespace_name, std::string_view path) -> Result<Ptr> {
  Ptr removed;
  {
    const MutexLock lock(mutex_);
    removed = GUST_TRY(memory_.remove(namespace_name, path));
    changes_[{std::string(namespace_name), std::string(path)}] = nullptr;
  }
  writer_.wake(Urgency::kNow);
  return removed;
}

template <class T>
Result<void> SqliteEntityStore<T>::write(Database& database) {
  {
    const MutexLock lock(mutex_);
    writing_ = changes_;
  }
  if (writing_.empty()) return {};
  Statement* put = GUST_TRY(database.prepare(kPut));
  Statement* remove = GUST_TRY(database.prepare(kRemove));
  for (const auto& [name, entity] : writing_) {
    if (!entity) {
      GUST_TRY_VOID(remove->bind(T::kNoun, name.first, name.second).run());
      continue;
    }
    if constexpr (std::is_same_v<T, Action>) GUST_TRY_VOID(put_code(database, *entity));
    const std::string document = to_document(*entity);
    GUST_TRY_VOID(put->bind(T::kNoun, name.first, name.second, digest_of(*entity), Blob{document}).run());
  }
  if constexpr (std::is_same_v<T, Action>) GUST_TRY_VOID(drop_unused_code(database));
  return {};
}

template <class T>
void SqliteEntityStore<T>::written() {
  const Changes done = std::exchange(writing_, {});  // freed, with their code, after the lock is gone
  const MutexLock lock(mutex_);
  for (const auto& [name, entity] : done) {
    const auto noted = changes_.find(name);
    if (noted != changes_.end() && noted->second == entity) changes_.erase(noted);
  }
}

template class SqliteEntityStore<Action>;
template class SqliteEntityStore<Package>;
template class SqliteEntityStore<Trigger>;
template class SqliteEntityStore<Rule>;
template class SqliteEntityStore<Key>;
template class SqliteEntityStore<Token>;
template class SqliteEntityStore<Drain>;

}  // namespace gust::store
