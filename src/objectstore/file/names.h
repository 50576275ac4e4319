// How keys stand in a file system: any key that check_key() accepts, and never two in one place.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace gust::objectstore {

/// Each part of the key is a name: a folder's, which ends with '%', or, the last one, a file's. So "a" and "a/b" can
/// both be there. What could mean something to a file system stands as %XX.
std::filesystem::path path_of_key(const std::string& key);

/// A part of a key, from the name of a folder or a file; none for a file of another origin, or that is being written.
std::optional<std::string> part_of_folder(const std::string& name);
std::optional<std::string> part_of_file(const std::string& name);

/// Names of files that are being written begin with this: no part of a key does.
inline constexpr const char* kUnfinished = "%new-";

}  // namespace gust::objectstore
