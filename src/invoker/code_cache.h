// The deployed packages that the controller has sent, each a read-only file named by its digest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace gust::invoker {

enum class Piece : std::uint8_t { kMore, kLast };

/// Only on the invoker's thread. Writes block on the file system.
class CodeCache {
 public:
  /// `directory` exists and is empty.
  explicit CodeCache(std::filesystem::path directory);
  ~CodeCache();

  /// Adds a piece of the package `digest` (SHA-256, hex). The last piece makes it available, if the whole has this
  /// digest. Errors: kInvalid for a wrong digest, kInternal when it cannot be written; what came of it is dropped.
  Result<void> add(std::string_view digest, std::string_view bytes, Piece piece);

  /// Absolute path of a complete package.
  [[nodiscard]] std::optional<std::string> find(std::string_view digest) const;

  /// Removes a package; one that is not there is ignored.
  void drop(std::string_view digest);
  /// Complete packages with their sizes.
  [[nodiscard]] const std::unordered_map<std::string, Bytes>& complete() const { return complete_; }

  /// Forgets packages of which only some pieces came.
  void drop_incomplete();

 private:
  class Incoming;

  Result<void> write_piece(Incoming& incoming, const std::string& digest, std::string_view bytes, Piece piece);

  std::filesystem::path directory_;
  std::unordered_map<std::string, std::unique_ptr<Incoming>> incoming_;
  std::unordered_map<std::string, Bytes> complete_;
};

}  // namespace gust::invoker
