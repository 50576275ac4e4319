#include "store/sqlite/flare_store.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <spdlog/spdlog.h>

#include "base/check.h"
#include "store/sqlite/documents.h"

namespace gust::store {

namespace {

constexpr const char* kPutFlare =
    "INSERT OR REPLACE INTO flares(sequence, id, namespace, action, is_trigger, start, ended, activations, size) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr const char* kPutDocument = "INSERT OR REPLACE INTO flare_documents(sequence, document) VALUES (?1, ?2)";
constexpr const char* kPutActivation = "INSERT OR REPLACE INTO activations(id, sequence) VALUES (?1, ?2)";
constexpr const char* kRemoveFlares = "DELETE FROM flares WHERE sequence < ?1";
constexpr const char* kRemoveDocuments = "DELETE FROM flare_documents WHERE sequence < ?1";
constexpr const char* kRemoveActivations = "DELETE FROM activations WHERE sequence < ?1";
constexpr const char* kSelectAll = "SELECT sequence, size, ended FROM flares ORDER BY sequence";
constexpr const char* kSelectDocument = "SELECT document FROM flare_documents WHERE sequence = ?1";
constexpr const char* kFindFlare = "SELECT sequence FROM flares WHERE id = ?1 AND namespace = ?2";
constexpr const char* kFindActivation =
    "SELECT flares.sequence FROM activations JOIN flares USING (sequence) "
    "WHERE activations.id = ?1 AND flares.namespace = ?2";
// The index flares_by_start gives the order.
#define GUST_MATCHING                                                                                          \
  "FROM flares WHERE namespace = ?1 AND start >= ?2 AND start <= ?3 AND sequence >= ?4 AND sequence < ?5 AND " \
  "(?6 = '' OR action = ?6) AND is_trigger <= ?7"
constexpr const char* kSelectMatching =
    "SELECT sequence, start, activations " GUST_MATCHING " ORDER BY start DESC, sequence DESC";
constexpr const char* kCountMatching = "SELECT coalesce(sum(activations), 0) " GUST_MATCHING;
#undef GUST_MATCHING

constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max();

std::int64_t since_of(const ActivationQuery& query) { return query.since ? to_micros(*query.since) : 0; }
std::int64_t upto_of(const ActivationQuery& query) { return query.upto ? to_micros(*query.upto) : kLatest; }

std::int64_t number_of(bool yes) { return yes ? 1 : 0; }

Result<void> put_flare(Database& database, std::uint64_t sequence, const FlareRecord& flare) {
  const std::string document = to_document(flare);
  Statement* put_document = GUST_TRY(database.prepare(kPutDocument));
  if (auto put = put_document->bind(sequence, Blob{document}).run(); !put) {
    if (put.error().code != ErrorCode::kTooLarge) return put;
    spdlog::error("flare {} is too large for the database and is kept in memory only: {}", flare.id.str(),
                  put.error().message);
    return {};
  }
  Statement* put = GUST_TRY(database.prepare(kPutFlare));
  const std::string path = flare.action->path();
  GUST_TRY_VOID(put->bind(sequence, flare.id.str(), flare.namespace_name, path,
                          number_of(flare.invocation == Invocation::kTrigger), to_micros(start_of(flare)),
                          to_micros(flare.stamps.ended), static_cast<std::uint64_t>(flare.activations.size()),
                          MemoryFlareStore::approximate_size(flare).count())
                    .run());
  Statement* put_activation = GUST_TRY(database.prepare(kPutActivation));
  for (const ActivationRecord& activation : flare.activations) {
    if (activation.id.str() == flare.id.str()) continue;
    GUST_TRY_VOID(put_activation->bind(activation.id.str(), sequence).run());
  }
  return {};
}

}  // namespace

Result<void> SqliteFlareStore::load() {
  const MutexLock reader_lock(reader_mutex_);
  const MutexLock lock(mutex_);
  Statement* select = GUST_TRY(reader_.prepare(kSelectAll));
  while (GUST_TRY(select->step())) {
    kept_.push_back({.sequence = static_cast<std::uint64_t>(select->number(0)),
                     .size = Bytes(static_cast<std::uint64_t>(select->number(1))),
                     .ended = from_micros(select->number(2))});
    kept_size_ += kept_.back().size;
  }
  if (!kept_.empty()) {
    floor_ = kept_.front().sequence;
    next_ = recent_first_ = kept_.back().sequence + 1;
  }
  std::vector<FlarePtr> freed;
  expire(wall_now(), freed);
  make_room(Bytes(), 0, freed);
  return {};
}

void SqliteFlareStore::add(FlarePtr flare) {
  GUST_CHECK(flare && has_ended(flare->state), "only ended flares are stored");
  const Bytes size = MemoryFlareStore::approximate_size(*flare);
  {
    std::vector<FlarePtr> freed;  // after the lock is gone
    const MutexLock lock(mutex_);
    expire(wall_now(), freed);
    make_room(size, 1, freed);
    const Entry entry{.sequence = next_++, .size = size, .ended = flare->stamps.ended};
    kept_.push_back(entry);
    recents_.push_back(entry);
    kept_size_ += size;
    recent_size_ += size;
    unwritten_size_ += size;
    recent_.add(flare);
    unwritten_.emplace(entry.sequence, Unwritten{std::move(flare), size});
    trim_recent(freed);
  }
  writer_.wake(Urgency::kGroup);
}

Result<FlarePtr> SqliteFlareStore::get_recent(std::string_view namespace_name, const FlareId& id) const {
  return recent_.get(namespace_name, id);
}

Result<ActivationView> SqliteFlareStore::get_recent_activation(std::string_view namespace_name,
                                                               const ActivationId& id) const {
  return recent_.get_activation(namespace_name, id);
}

Result<FlarePtr> SqliteFlareStore::get(std::string_view namespace_name, const FlareId& id) const {
  auto recent = recent_.get(namespace_name, id);
  if (recent) return recent;
  const MutexLock reader_lock(reader_mutex_);
  const auto sequence = GUST_TRY(find_sequence(kFindFlare, namespace_name, id.str()));
  if (sequence == 0) return recent;
  return load_flare(sequence);
}

Result<ActivationView> SqliteFlareStore::get_activation(std::string_view namespace_name, const ActivationId& id) const {
  auto recent = recent_.get_activation(namespace_name, id);
  if (recent) return recent;
  const MutexLock reader_lock(reader_mutex_);
  auto sequence = GUST_TRY(find_sequence(kFindFlare, namespace_name, id.str()));
  if (sequence == 0) sequence = GUST_TRY(find_sequence(kFindActivation, namespace_name, id.str()));
  if (sequence == 0) return recent;
  FlarePtr flare = GUST_TRY(load_flare(sequence));
  const auto found = std::ranges::find(flare->activations, id, &ActivationRecord::id);
  if (found == flare->activations.end()) return recent;
  const auto index = static_cast<std::size_t>(found - flare->activations.begin());
  return ActivationView{std::move(flare), index};
}

std::vector<ActivationView> SqliteFlareStore::list_activations(const ActivationQuery& query) const {
  std::vector<ActivationView> views;
  if (query.limit == 0) return views;
  std::size_t to_skip = query.skip;
  for_each_match(query, WithTriggers::kYes, query.skip + query.limit, [&](std::size_t activations, const Load& load) {
    if (to_skip >= activations) {
      to_skip -= activations;
      return true;
    }
    const FlarePtr flare = load();
    for (std::size_t i = std::exchange(to_skip, 0); flare && i < activations && views.size() < query.limit; ++i) {
      views.push_back({flare, i});
    }
    return views.size() < query.limit;
  });
  return views;
}

std::size_t SqliteFlareStore::count_activations(const ActivationQuery& query) const {
  ActivationQuery all = query;
  all.skip = 0;
  std::size_t count = 0;
  Range range;
  {
    const MutexLock lock(mutex_);
    count = recent_.count_activations(all);
    range = in_database();
  }
  const MutexLock reader_lock(reader_mutex_);
  const auto stored = [&]() GUST_REQUIRES(reader_mutex_) -> Result<std::int64_t> {
    Statement* select = GUST_TRY(reader_.prepare(kCountMatching));
    bind_match(*select, query, WithTriggers::kYes, range);
    GUST_TRY(select->step());
    const std::int64_t sum = select->number(0);
    select->reset();
    return sum;
  }();
  if (stored) count += static_cast<std::size_t>(*stored);
  if (!stored) spdlog::error("activations cannot be counted: {}", stored.error().message);
  return count - std::min(count, query.skip);
}

std::vector<FlarePtr> SqliteFlareStore::list(std::string_view namespace_name, std::size_t skip,
                                             std::size_t limit) const {
  std::vector<FlarePtr> flares;
  if (limit == 0) return flares;
  ActivationQuery query;
  query.namespace_name = namespace_name;
  const std::size_t most = skip + limit;
  for_each_match(query, WithTriggers::kNo, most, [&](std::size_t, const Load& load) {
    if (skip > 0) {
      --skip;
      return true;
    }
    if (FlarePtr flare = load()) flares.push_back(std::move(flare));
    return flares.size() < limit;
  });
  return flares;
}

Result<void> SqliteFlareStore::write(Database& database) {
  std::uint64_t floor = 0;
  std::vector<FlarePtr> freed;
  {
    const MutexLock lock(mutex_);
    expire(wall_now(), freed);
    floor = floor_;
    writing_.clear();
    for (const auto& [sequence, unwritten] : unwritten_) writing_.emplace_back(sequence, unwritten.flare);
  }
  for (const auto& [sequence, flare] : writing_) GUST_TRY_VOID(put_flare(database, sequence, *flare));
  removing_below_ = floor;
  if (floor <= removed_below_) return {};
  for (const char* sql : {kRemoveActivations, kRemoveDocuments, kRemoveFlares}) {
    Statement* remove = GUST_TRY(database.prepare(sql));
    GUST_TRY_VOID(remove->bind(floor).run());
  }
  return {};
}

void SqliteFlareStore::written() {
  removed_below_ = removing_below_;
  std::vector<FlarePtr> freed;
  const auto done = std::exchange(writing_, {});
  const MutexLock lock(mutex_);
  for (const auto& [sequence, flare] : done) forget_unwritten(sequence);
  trim_recent(freed);
}

// Retention and memory

void SqliteFlareStore::expire(WallTime now, std::vector<FlarePtr>& freed) {
  if (options_.retention.age_limit.count() == 0) return;
  while (!kept_.empty() && kept_.front().ended < now - options_.retention.age_limit) drop_oldest(freed);
}

void SqliteFlareStore::make_room(Bytes size, std::size_t flares, std::vector<FlarePtr>& freed) {
  const Retention& retention = options_.retention;
  while (!kept_.empty() &&
         (kept_.size() + flares > retention.flare_limit || kept_size_ + size > retention.byte_limit)) {
    drop_oldest(freed);
  }
}

void SqliteFlareStore::drop_oldest(std::vector<FlarePtr>& freed) {
  const Entry oldest = kept_.front();
  kept_.pop_front();
  kept_size_ -= oldest.size;
  floor_ = oldest.sequence + 1;
  forget_unwritten(oldest.sequence);
  if (!recents_.empty() && recents_.front().sequence == oldest.sequence) drop_oldest_recent(freed);
}

void SqliteFlareStore::drop_oldest_recent(std::vector<FlarePtr>& freed) {
  recent_size_ -= recents_.front().size;
  recent_first_ = recents_.front().sequence + 1;
  recents_.pop_front();
  freed.push_back(recent_.take_oldest());
}

void SqliteFlareStore::forget_unwritten(std::uint64_t sequence) {
  const auto found = unwritten_.find(sequence);
  if (found == unwritten_.end()) return;
  unwritten_size_ -= found->second.size;
  unwritten_.erase(found);
}

void SqliteFlareStore::trim_recent(std::vector<FlarePtr>& freed) {
  while (recent_size_ > options_.recent_limit && recents_.size() > 1) {
    const std::uint64_t oldest = recents_.front().sequence;
    if (unwritten_.contains(oldest)) {
      if (unwritten_size_ <= options_.unwritten_limit) return;
      spdlog::error("an ended flare is given up: {} wait in memory for a disk that cannot be written",
                    to_string(unwritten_size_));
      forget_unwritten(oldest);
    }
    drop_oldest_recent(freed);
  }
}

// Reading

Result<std::uint64_t> SqliteFlareStore::find_sequence(const char* sql, std::string_view namespace_name,
                                                      std::string_view id) const {
  Statement* select = GUST_TRY(reader_.prepare(sql));
  const bool found = GUST_TRY(select->bind(id, namespace_name).step());
  if (!found) return 0;
  const auto sequence = static_cast<std::uint64_t>(select->number(0));
  select->reset();
  const MutexLock lock(mutex_);
  return sequence < floor_ ? 0 : sequence;
}

Result<FlarePtr> SqliteFlareStore::load_flare(std::uint64_t sequence) const {
  Statement* select = GUST_TRY(reader_.prepare(kSelectDocument));
  const bool found = GUST_TRY(select->bind(sequence).step());
  if (!found) return fail(ErrorCode::kNotFound, "the flare has just been removed: it was too old");
  FlareRecord flare = GUST_TRY(from_document<FlareRecord>(select->bytes(0)));
  select->reset();
  return std::make_shared<const FlareRecord>(std::move(flare));
}

void SqliteFlareStore::bind_match(Statement& select, const ActivationQuery& query, WithTriggers triggers, Range range) {
  select.bind(query.namespace_name, since_of(query), upto_of(query), range.floor, range.end, query.action_path,
              number_of(triggers == WithTriggers::kYes));
}

void SqliteFlareStore::for_each_match(const ActivationQuery& query, WithTriggers triggers, std::size_t most,
                                      const std::function<bool(std::size_t, const Load&)>& visit) const {
  std::vector<FlarePtr> recent;
  Range range;
  {
    const MutexLock lock(mutex_);
    recent = recent_.match(query, triggers, most);
    range = in_database();
  }
  auto next = recent.begin();
  bool more = true;
  // Those of the same moment that are in memory came later.
  const auto visit_recent = [&](WallTime until) {
    for (; more && next != recent.end() && start_of(**next) >= until; ++next) {
      more = visit((*next)->activations.size(), [&] { return *next; });
    }
  };
  const MutexLock reader_lock(reader_mutex_);
  const auto visit_stored = [&]() GUST_REQUIRES(reader_mutex_) -> Result<void> {
    Statement* select = GUST_TRY(reader_.prepare(kSelectMatching));
    bind_match(*select, query, triggers, range);
    while (more && GUST_TRY(select->step())) {
      const auto sequence = static_cast<std::uint64_t>(select->number(0));
      visit_recent(from_micros(select->number(1)));
      if (!more) break;
      more = visit(static_cast<std::size_t>(select->number(2)), [&]() GUST_REQUIRES(reader_mutex_) {
        auto flare = load_flare(sequence);
        if (!flare) spdlog::error("flare number {} cannot be read: {}", sequence, flare.error().message);
        return flare.value_or(nullptr);
      });
    }
    select->reset();
    return {};
  };
  if (const auto stored = visit_stored(); !stored) {
    spdlog::error("ended flares cannot be listed: {}", stored.error().message);
  }
  visit_recent(WallTime::min());
}

}  // namespace gust::store
