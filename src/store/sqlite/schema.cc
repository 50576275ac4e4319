#include "store/sqlite/schema.h"

#include <fmt/format.h>

namespace gust::store {

namespace {

// In the file's header, for `file` and for us: "gust" as ASCII.
constexpr std::int64_t kApplicationId = 0x67757374;

// Sequences count flares as they end. A flare's document stands apart from its row, so that lists read only small rows.
// `activations` has those whose id is not their flare's.
constexpr const char* kFirstTables = R"(
CREATE TABLE entities(
  type TEXT NOT NULL, namespace TEXT NOT NULL, path TEXT NOT NULL, code_digest TEXT NOT NULL, document BLOB NOT NULL,
  PRIMARY KEY(type, namespace, path)) WITHOUT ROWID;
CREATE INDEX entities_by_code ON entities(code_digest);
CREATE TABLE code(digest TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE flares(
  sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, namespace TEXT NOT NULL, action TEXT NOT NULL,
  is_trigger INTEGER NOT NULL, start INTEGER NOT NULL, ended INTEGER NOT NULL, activations INTEGER NOT NULL,
  size INTEGER NOT NULL);
CREATE UNIQUE INDEX flares_by_id ON flares(id);
CREATE INDEX flares_by_start ON flares(namespace, start, sequence);
CREATE TABLE flare_documents(sequence INTEGER PRIMARY KEY, document BLOB NOT NULL);
CREATE TABLE activations(id TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX activations_by_flare ON activations(sequence);
)";

// Since version 2. `name` has one row.
constexpr const char* kSecondTables = R"(
CREATE TABLE open_flares(
  id TEXT PRIMARY KEY, received INTEGER NOT NULL, code_digest TEXT NOT NULL, document BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX open_flares_by_code ON open_flares(code_digest);
CREATE TABLE name(name TEXT NOT NULL);
INSERT INTO name VALUES (lower(hex(randomblob(16))));
)";

Result<void> upgrade(Database& database, std::int64_t version) {
  GUST_TRY_VOID(database.run("BEGIN IMMEDIATE"));
  if (version < 1) GUST_TRY_VOID(database.run(kFirstTables));
  if (version < 2) GUST_TRY_VOID(database.run(kSecondTables));
  return database.run(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT", kApplicationId, kSchemaVersion)
          .c_str());
}

}  // namespace

Result<void> prepare_schema(Database& database) {
  // The log grows to about 4 MB, then its pages go into the file. After a power failure the last transactions may be
  // missing, but none is half there; a process that is killed loses nothing that was committed.
  GUST_TRY_VOID(database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF"));
  const std::int64_t application = GUST_TRY(database.number("PRAGMA application_id"));
  const std::int64_t version = GUST_TRY(database.number("PRAGMA user_version"));
  const std::int64_t tables = GUST_TRY(database.number("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && version == 0 && tables == 0) return upgrade(database, 0);
  if (application != kApplicationId) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is the database of another program; name another folder", database.file().string()));
  }
  if (version > kSchemaVersion) {
    return fail(
        ErrorCode::kVersionMismatch,
        fmt::format("{} was written by a newer Gust (its schema is {}, this one knows up to {}): run that Gust, "
                    "or name another folder",
                    database.file().string(), version, kSchemaVersion));
  }
  return version < kSchemaVersion ? upgrade(database, version) : Result<void>();
}

Result<std::string> read_name(Database& database) {
  Statement* select = GUST_TRY(database.prepare("SELECT name FROM name"));
  const bool found = GUST_TRY(select->step());
  if (!found) {
    return fail(ErrorCode::kInvalid, database.file().string() + ": it has lost its name: restore a copy");
  }
  std::string name(select->bytes(0));
  select->reset();
  return name;
}

}  // namespace gust::store
