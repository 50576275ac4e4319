// The table of actions' code: each digest once, for as long as an action or an open flare has it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/records.h"
#include "store/sqlite/database.h"

namespace gust::store {

/// Code that has been read: actions with the same share it.
using Codes = std::map<std::string, std::shared_ptr<const std::string>, std::less<>>;

/// Gives the action its code, if it has any. kInvalid when that is missing.
Result<void> load_code(Database& database, Action& action, Codes& codes);

/// Of an action that is being written.
Result<void> put_code(Database& database, const Action& action);

/// To be called when something that had code was removed or replaced.
Result<void> drop_unused_code(Database& database);

}  // namespace gust::store
