// The database's tables, and their versions.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/sqlite/database.h"

namespace gust::store {

/// What this program writes, as the file's user_version. An older file is brought up to it, step by step; a newer one
/// is refused.
inline constexpr std::int64_t kSchemaVersion = 2;

/// Makes the tables of an empty file, or brings those of an older one up to date. kVersionMismatch for a newer one;
/// kInvalid for a database of another program, or a damaged file.
Result<void> prepare_schema(Database& database);

/// The random name that the database got when it was made.
Result<std::string> read_name(Database& database);

}  // namespace gust::store
