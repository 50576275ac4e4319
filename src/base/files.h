// Files as one piece of text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace gust {

/// The content of a file or pipe. kInvalid where it cannot be read or is larger than `limit`. Blocks.
Result<std::string> read_whole_file(const std::filesystem::path& path, Bytes limit = Bytes::mb(1024));

/// The same of an open descriptor, which `name` stands for in errors.
Result<std::string> read_to_end(int fd, std::string_view name, Bytes limit = Bytes::mb(1024));

/// Puts a file in place by renaming, so that no one ever sees half of it; an error leaves what was there before.
/// kInvalid where it cannot be written. Blocks.
Result<void> write_whole_file(const std::filesystem::path& path, std::string_view content);

/// The same for what only this user may read: mode 0600 from its first byte on, and on the disk when it returns. What
/// `path` points to is not followed.
Result<void> write_secret_file(const std::filesystem::path& path, std::string_view content);

}  // namespace gust
