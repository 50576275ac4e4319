#include "store/sqlite/open_flares.h"

#include <spdlog/spdlog.h>

#include "store/sqlite/code.h"
#include "store/sqlite/documents.h"

namespace gust::store {

namespace {

constexpr const char* kPutOpen =
    "INSERT OR REPLACE INTO open_flares(id, received, code_digest, document) VALUES (?1, ?2, ?3, ?4)";
constexpr const char* kRemoveOpen = "DELETE FROM open_flares WHERE id = ?1";
// One of which the end was written, and not yet the removal from here, has ended.
constexpr const char* kSelectOpen =
    "SELECT id, document FROM open_flares WHERE id NOT IN (SELECT id FROM flares) ORDER BY received, id";
constexpr const char* kSelectOpenIds = "SELECT id FROM open_flares";

Result<void> put_open(Database& database, const OpenFlare& open) {
  const FlareRecord& flare = *open.flare;
  const std::string document = to_document(open);
  Statement* put = GUST_TRY(database.prepare(kPutOpen));
  auto done =
      put->bind(flare.id.str(), to_micros(flare.stamps.received), flare.action->code_digest, Blob{document}).run();
  if (done) return put_code(database, *flare.action);
  if (done.error().code != ErrorCode::kTooLarge) return done;
  spdlog::error("flare {} is too large for the database, and would not outlive this controller: {}", flare.id.str(),
                done.error().message);
  return {};
}

}  // namespace

Result<void> SqliteOpenFlares::load(Database& database) {
  Codes codes;
  Statement* select = GUST_TRY(database.prepare(kSelectOpen));
  while (GUST_TRY(select->step())) {
    auto open = from_document<OpenFlare>(select->bytes(1));
    if (!open) {
      spdlog::error("flare {} cannot go on: {}", select->bytes(0), open.error().message);
      continue;
    }
    auto action = std::make_shared<Action>(*open->flare->action);
    if (const auto loaded = load_code(database, *action, codes); !loaded) {
      spdlog::error("flare {} goes on where it runs, but cannot start again: {}", select->bytes(0),
                    loaded.error().message);
    }
    auto flare = std::make_shared<FlareRecord>(*open->flare);
    flare->action = std::move(action);
    left_.push_back({.flare = std::move(flare), .params = std::move(open->params)});
  }
  const MutexLock lock(mutex_);
  Statement* ids = GUST_TRY(database.prepare(kSelectOpenIds));
  while (GUST_TRY(ids->step())) rows_.emplace(std::string(ids->bytes(0)));
  // What was not understood, or had ended, goes with the first group.
  for (const FlareId& id : rows_) changes_[id] = nullptr;
  for (const OpenFlare& open : left_) changes_.erase(open.flare->id);
  return {};
}

void SqliteOpenFlares::keep(OpenFlare flare) {
  const FlareId id = flare.flare->id;
  auto change = std::make_shared<const OpenFlare>(std::move(flare));
  {
    const MutexLock lock(mutex_);
    change.swap(changes_[id]);
  }
  writer_.wake(Urgency::kGroup);
}

void SqliteOpenFlares::drop(const FlareId& id) {
  std::shared_ptr<const OpenFlare> freed;  // after the lock is gone
  {
    const MutexLock lock(mutex_);
    if (rows_.contains(id)) {
      freed.swap(changes_[id]);
    } else if (auto change = changes_.extract(id)) {
      freed = std::move(change.mapped());
    }
  }
  writer_.wake(Urgency::kGroup);
}

Result<void> SqliteOpenFlares::write(Database& database) {
  {
    const MutexLock lock(mutex_);
    writing_ = changes_;
    for (const auto& [id, open] : writing_) {
      if (open) rows_.insert(id);
    }
  }
  if (writing_.empty()) return {};
  Statement* remove = GUST_TRY(database.prepare(kRemoveOpen));
  for (const auto& [id, open] : writing_) {
    GUST_TRY_VOID(open ? put_open(database, *open) : remove->bind(id.str()).run());
  }
  return {};
}

void SqliteOpenFlares::written() {
  const Changes done = std::exchange(writing_, {});  // freed after the lock is gone
  const MutexLock lock(mutex_);
  for (const auto& [id, open] : done) {
    if (!open) rows_.erase(id);
    const auto noted = changes_.find(id);
    if (noted != changes_.end() && noted->second == open) changes_.erase(noted);
  }
}

}  // namespace gust::store
