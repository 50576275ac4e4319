// Archives of root file systems, which are taken as hostile: nothing is written outside the directory that is named.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"

namespace gust::container {

enum class ArchiveKind {
  kRootFileSystem,  ///< directories as /usr and /etc
  kDocker,          ///< of `docker save`
  kOci,             ///< an OCI image layout in an archive
};

/// What an archive (tar, compressed or not) holds. kInvalid for what is no archive. Blocks.
Result<ArchiveKind> inspect_archive(const std::filesystem::path& file);

/// Unpacks a root file system into `root`, which it makes. Owners, set-user-id bits, attributes and devices are left
/// out. kInvalid, with the entry's name, for one that leads out of the archive's root or through a symbolic link.
/// Blocks.
Result<void> unpack_root(const std::filesystem::path& file, const std::filesystem::path& root);

/// Makes a tree fit to be the root of packs: devices and set-user-id bits disappear; all of it can be read by every
/// user, as each pack is one of its own; the places where Gust puts its mounts exist and are no links. Gives the size
/// of its files.
Result<Bytes> prepare_root(const std::filesystem::path& root);

}  // namespace gust::container
