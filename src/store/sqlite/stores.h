// All stores over one database in one folder.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "store/sqlite/entity_store.h"
#include "store/sqlite/flare_store.h"
#include "store/sqlite/open_flares.h"
#include "store/sqlite/writer.h"
#include "store/store.h"

namespace gust::store {

class SqliteStores {
 public:
  /// Opens `folder`, made when it is not there, and reads what it has. Blocks. kBusy when another controller has it;
  /// kVersionMismatch when a newer one wrote it; kInvalid for a folder or a file that cannot be used.
  static Result<std::unique_ptr<SqliteStores>> open(const std::filesystem::path& folder,
                                                    SqliteFlareStoreOptions options);
  /// Writes what is left.
  ~SqliteStores();
  SqliteStores(const SqliteStores&) = delete;
  SqliteStores& operator=(const SqliteStores&) = delete;

  [[nodiscard]] Stores all();

 private:
  SqliteStores(UniqueFd lock, Database writer, Database reader, SqliteFlareStoreOptions options);
  Result<void> load(Database& database);

  UniqueFd lock_;
  Writer writer_;
  SqliteEntityStore<Action> actions_{writer_};
  SqliteEntityStore<Package> packages_{writer_};
  SqliteEntityStore<Trigger> triggers_{writer_};
  SqliteEntityStore<Rule> rules_{writer_};
  SqliteEntityStore<Key> keys_{writer_};
  SqliteEntityStore<Token> tokens_{writer_};
  SqliteEntityStore<Drain> drains_{writer_};
  SqliteFlareStore flares_;
  SqliteOpenFlares open_flares_{writer_};
  std::string name_;
};

}  // namespace gust::store
