#include "store/sqlite/database.h"

#include <sqlite3.h>

#include <fmt/format.h>

#include "base/check.h"

namespace gust::store {

namespace {

// What went wrong, as a sentence with a next step. Not every error is the disk's: a blob can be too large.
Error error_of(sqlite3* connection, int code, const std::filesystem::path& file) {
  const std::string what = fmt::format("{}: {}", file.string(), sqlite3_errmsg(connection));
  switch (code & 0xff) {
    case SQLITE_FULL: return {ErrorCode::kUnavailable, what + "; free space on that disk, or lower retain_bytes"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::kInvalid, what +
                                       "; it is damaged or no database: restore a copy of it, or move it away to "
                                       "start with an empty one (sqlite3's .recover saves what can be read)"};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return {ErrorCode::kInvalid, what + "; the folder and the file must be writable for the controller's user"};
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT: return {ErrorCode::kTooLarge, what};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {ErrorCode::kBusy, what + "; another program uses it"};
    default: return {ErrorCode::kUnavailable, what};
  }
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::reset() { sqlite3_reset(statement_); }

void Statement::bind_one(int place, std::int64_t value) {
  GUST_CHECK(sqlite3_bind_int64(statement_, place, value) == SQLITE_OK, "a statement has the places that are bound");
}

// Never a null pointer: that would be NULL.
void Statement::bind_one(int place, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  GUST_CHECK(sqlite3_bind_text64(statement_, place, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK,
             "a statement has the places that are bound, and names are short");
}

void Statement::bind_one(int place, Blob blob) {
  const char* data = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  const int bound = sqlite3_bind_blob64(statement_, place, data, blob.bytes.size(), SQLITE_STATIC);
  GUST_CHECK(bound == SQLITE_OK || bound == SQLITE_TOOBIG, "a statement has the places that are bound");
  // Over SQLite's limit of a billion bytes. Columns of blobs refuse NULL, so that step() fails.
  if (bound == SQLITE_TOOBIG) sqlite3_bind_null(statement_, place);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = error_of(sqlite3_db_handle(statement_), code, file_);
  reset();
  return std::unexpected(std::move(error));
}

Result<void> Statement::run() {
  while (GUST_TRY(step())) {
  }
  return {};
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close(connection); }

Database::Database(sqlite3* connection, const std::filesystem::path& file)
    : file_(std::make_unique<std::filesystem::path>(file)), connection_(connection) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& file, Access access) {
  const int flags = access == Access::kWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &connection, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    Error error = error_of(connection, code, file);
    sqlite3_close(connection);
    return std::unexpected(std::move(error));
  }
  Database database(connection, file);
  // Readers wait for a checkpoint that resets the log, for moments.
  sqlite3_busy_timeout(connection, 5000);
  return database;
}

Result<void> Database::run(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error_of(connection_.get(), code, *file_));
  return {};
}

Result<Statement*> Database::prepare(const char* sql) {
  std::unique_ptr<Statement>& slot = statements_[sql];
  if (!slot) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(connection_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
      statements_.erase(sql);
      return std::unexpected(error_of(connection_.get(), code, *file_));
    }
    slot = std::make_unique<Statement>(statement, *file_);
  }
  slot->reset();
  return slot.get();
}

Result<std::int64_t> Database::number(const char* sql) {
  Statement* statement = GUST_TRY(prepare(sql));
  const bool row = GUST_TRY(statement->step());
  const std::int64_t value = row ? statement->number(0) : 0;
  statement->reset();
  return value;
}

}  // namespace gust::store
