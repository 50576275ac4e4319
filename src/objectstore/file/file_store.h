// Objects as files of a local folder: for one machine, and where a shared file system is what there is.
#pragma once

#include <filesystem>

#include "objectstore/object_store.h"

namespace gust::objectstore {

/// An object appears and goes by one rename or unlink. Nothing is synchronised to disk. list() looks at all files
/// below the prefix's last slash each time.
class FileStore final : public ObjectStore {
 public:
  /// The folder is made with the first object.
  explicit FileStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<void> get(const std::string& key, const Range& range, const Receiver& receive,
                   const Context& context) override;
  Result<void> put(const std::string& key, std::span<const Piece> pieces, const Context& context) override;
  Result<std::unique_ptr<Upload>> start_upload(const std::string& key, const Context& context) override;
  Result<Page> list(const std::string& prefix, const std::string& from, std::uint32_t limit,
                    const Context& context) override;
  Result<void> remove(const std::string& key, const Context& context) override;
  Result<void> remove_many(std::span<const std::string> keys, const Context& context) override;

 private:
  const std::filesystem::path folder_;
};

}  // namespace gust::objectstore
