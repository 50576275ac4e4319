// Where a controller keeps what clients can ask for later: in memory, or in a folder.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/config.h"
#include "base/result.h"
#include "store/memory/stores.h"
#include "store/sqlite/stores.h"

namespace gust::cli {

class State {
 public:
  /// As the configuration says. Blocks while it reads what is there. Errors as of SqliteStores::open().
  static Result<State> open(const Config& config);

  [[nodiscard]] store::Stores stores();

 private:
  using Memory = std::unique_ptr<store::MemoryStores>;
  using Folder = std::unique_ptr<store::SqliteStores>;
  explicit State(std::variant<Memory, Folder> stores) : stores_(std::move(stores)) {}

  std::variant<Memory, Folder> stores_;
};

/// "in memory, until the controller ends", or "in <folder>".
std::string describe_state(const Config& config);

}  // namespace gust::cli
