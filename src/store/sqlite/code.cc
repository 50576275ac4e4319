#include "store/sqlite/code.h"

namespace gust::store {

namespace {

constexpr const char* kSelectCode = "SELECT bytes FROM code WHERE digest = ?1";
constexpr const char* kHasCode = "SELECT 1 FROM code WHERE digest = ?1";
constexpr const char* kPutCode = "INSERT INTO code(digest, bytes) VALUES (?1, ?2)";
constexpr const char* kDropUnusedCode =
    "DELETE FROM code WHERE NOT EXISTS (SELECT 1 FROM entities WHERE code_digest = code.digest) "
    "AND NOT EXISTS (SELECT 1 FROM open_flares WHERE code_digest = code.digest)";

}  // namespace

Result<void> load_code(Database& database, Action& action, Codes& codes) {
  if (action.code_digest.empty()) return {};
  auto& slot = codes[action.code_digest];
  if (!slot) {
    Statement* select = GUST_TRY(database.prepare(kSelectCode));
    const bool found = GUST_TRY(select->bind(action.code_digest).step());
    if (!found) {
      return fail(ErrorCode::kInvalid, database.file().string() + ": the code of an action is missing: restore a copy");
    }
    slot = std::make_shared<const std::string>(select->bytes(0));
    select->reset();
  }
  action.code = slot;
  return {};
}

Result<void> put_code(Database& database, const Action& action) {
  if (!action.code) return {};
  Statement* has = GUST_TRY(database.prepare(kHasCode));
  const bool there = GUST_TRY(has->bind(action.code_digest).step());
  has->reset();
  if (there) return {};
  Statement* put = GUST_TRY(database.prepare(kPutCode));
  return put->bind(action.code_digest, Blob{*action.code}).run();
}

Result<void> drop_unused_code(Database& database) { return database.run(kDropUnusedCode); }

}  // namespace gust::store
