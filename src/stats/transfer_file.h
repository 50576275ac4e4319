// Transfer files: comma-separated values, one row an iteration (transfer.h says what each column means).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stats/transfer.h"

namespace gust::stats {

/// Header and rows as text; seconds with nine decimals.
std::string format_transfers(std::span<const Transfer> transfers);

/// Writes them to a file, which is there either complete or not at all. Blocks.
Result<void> write_transfers(const std::filesystem::path& path, std::span<const Transfer> transfers);

/// Reads the rows of a file with these columns, in any order and with further ones among them; run and iteration may be
/// missing. At least one row, or kInvalid: "name:line:column: what is wrong", the column counted in fields.
Result<std::vector<Transfer>> parse_transfers(std::string_view text, const std::string& name);

/// parse_transfers of a file's content; kInvalid also where it cannot be read. Blocks.
Result<std::vector<Transfer>> read_transfers(const std::filesystem::path& path);

}  // namespace gust::stats
