// SQLite's C interface with errors as values: one connection and its statements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gust::store {

/// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement. Belongs to its Database, and to that one's thread.
class Statement {
 public:
  Statement(sqlite3_stmt* statement, const std::filesystem::path& file) : statement_(statement), file_(file) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// Gives values to the places "?1", "?2"…, which keep them until the next bind(). Texts and blobs are not copied:
  /// they must live until the statement is bound anew.
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int place = 0;
    (bind_one(++place, values), ...);
    return *this;
  }
  /// True when there is a row; after the last one false, and the statement is ready to be bound again.
  Result<bool> step();
  /// All steps of a statement that gives no rows.
  Result<void> run();

  // Of the present row; places from 0. Views live until the next step.
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string_view bytes(int column) const;

  void reset();

 private:
  void bind_one(int place, std::int64_t value);
  void bind_one(int place, std::uint64_t value) { bind_one(place, static_cast<std::int64_t>(value)); }
  void bind_one(int place, std::string_view text);
  void bind_one(int place, Blob blob);

  sqlite3_stmt* statement_;
  const std::filesystem::path& file_;
};

enum class Access : std::uint8_t { kWrite, kRead };

/// One connection; on one thread at a time.
class Database {
 public:
  /// kWrite creates the file when there is none. kInvalid where it cannot be opened. Blocks, as do all of these.
  static Result<Database> open(const std::filesystem::path& file, Access access);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// One or more statements that give no rows.
  Result<void> run(const char* sql);
  /// The statement of this text, prepared at its first use; at most one user of it at a time. `sql` is a literal.
  Result<Statement*> prepare(const char* sql);
  /// The first number of a query's first row.
  Result<std::int64_t> number(const char* sql);

  [[nodiscard]] const std::filesystem::path& file() const { return *file_; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  Database(sqlite3* connection, const std::filesystem::path& file);

  std::unique_ptr<std::filesystem::path> file_;  // its address stays when the database is moved
  std::unique_ptr<sqlite3, Close> connection_;
  std::unordered_map<std::string_view, std::unique_ptr<Statement>> statements_;  // gone before the connection
};

}  // namespace gust::store
